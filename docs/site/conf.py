# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Sphinx is told of the documentation's site; C(make docs) builds it, see tools/docsite.py."""

from __future__ import annotations

import zlib
from pathlib import Path

project = "hypervisor.network"
html_show_copyright = False
html_title = "hypervisor.network"
extensions = ["sphinx.ext.intersphinx", "sphinx_antsibull_ext"]
exclude_patterns = ["_*"]
nitpicky = True
default_role = "any"
highlight_language = "YAML+Jinja"
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_use_index = False
html_copy_source = False
html_theme_options = {
    "source_repository": "https://github.com/hypervisor-network/hypervisor.network/",
    "source_branch": "main",
}

# Ansible's own pages that antsibull-docs refers to. Their inventory is megabytes, and a build that needs a network can fail for want of it.
_ANSIBLE = "https://docs.ansible.com/projects/ansible/latest/"
_PAGES = {
    "action_plugins": "plugins/action.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}


def _inventory() -> str:
    """An inventory of those pages, in the second format that Sphinx reads: four lines, then its entries compressed."""
    entries = "".join(
        f"{label} std:label -1 {page}#{label.replace('_', '-')} {label.replace('_', ' ')}\n"
        for label, page in _PAGES.items()
    )
    head = "# Sphinx inventory version 2\n# Project: ansible\n# Version: \n# The remainder of this file is compressed using zlib.\n"
    path = Path(__file__).with_name("_ansible.inv")
    path.write_bytes(head.encode() + zlib.compress(entries.encode()))
    return path.name


intersphinx_mapping = {"ansible": (_ANSIBLE, _inventory())}
