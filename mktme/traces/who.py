"""Who makes a call: the words for each action of the model."""

from __future__ import annotations

from collections.abc import Mapping

_WHO: Mapping[str, str] = {
    "instantiate": "the owner of key object {key}, by add_key",
    "update": "the owner of key object {key}, by keyctl update",
    "extend": "the owner of key object {key}",
    "preparse_error": "a caller of add_key",
    "destroy": "the kernel's garbage collector",
    "package_add": "an administrator",
    "cpu_startup": "CPU hotplug, for CPU {cpu} of package {package}",
    "cpu_teardown": "CPU hotplug, for CPU {cpu} of package {package}",
    "retry_clear": "a kernel worker",
    "encrypt": "the process of VMA {vma}, by encrypt_mprotect",
    "unmap": "the process of VMA {vma}, by munmap or exit",
    "fork": "the process of VMA {vma}",
    "write": "the process of VMA {vma}, on package {package}",
    "migrate": "the kernel, moving pages",
    "begin": "a caller of add_key",
    "take": "the parser",
    "nul": "the parser",
    "end_of_text": "the parser",
}


def who(action: str, arguments: Mapping[str, str]) -> str:
    """Who makes a call with these arguments: a process, the kernel, or a thread by its number."""
    if "thread" in arguments:
        return f"thread {arguments['thread']}"
    return _WHO[action].format(**arguments)
