"""The workloads by which `conformance.costs` measures a design, one module for each question."""
