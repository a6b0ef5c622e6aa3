"""What MkDocs is told when it builds the manual: its menu, and the pages made from the code."""

from __future__ import annotations

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from manual import pages


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Give it the menu."""
    config["nav"] = pages.navigation()
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    for path, text in pages.generated().items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """What may be wider than a screen can be scrolled by keyboard, and a table stays a table."""
    html = html.replace("<pre>", '<pre tabindex="0">')
    html = html.replace("<table>", '<div class="wide" tabindex="0"><table>')
    return html.replace("</table>", "</table></div>")


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """The theme's menu is a landmark, so that a screen reader can go to it and past it.

    Its script for the dark expects the styles of a highlighter that would come from the network.
    """
    empty = '<style id="hljs-light"></style><style id="hljs-dark"></style>'
    output = output.replace("<head>", f"<head>{empty}", 1)
    return output.replace('<div class="navbar ', '<div role="navigation" class="navbar ', 1)
