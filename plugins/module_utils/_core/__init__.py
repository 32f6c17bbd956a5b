# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import zipimport

from ansible_collections.hypervisor.network.plugins.module_utils._core import compiled_once

# Nearly the first of ours that a module imports. On a controller and in tests nothing comes out of an archive.
if isinstance(__loader__, zipimport.zipimporter):
    compiled_once.install("ansible_collections.hypervisor.network.")
