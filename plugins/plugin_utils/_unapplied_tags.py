# Copyright (c) 2026, The hypervisor.network contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell a role that was included by a tag which none of its tasks has, from one whose import was not chosen.

Tags of an include are not those of what it includes, unless C(apply) says so: then the include is chosen, nothing in it is, and the run is green. Variables
do not tell that from an import that was not chosen, since a role's tasks with the tag always run in both. What stands above a task does: a dynamic include
is among its parents only because it ran. These parents are no public interface of ansible-core; 2.16 to 2.21 have them alike (C(_parent), and
C(statically_loaded) on includes and imports, nowhere else). Where they are gone, everything counts as imported, and nothing is refused.
"""

from __future__ import annotations

from typing import Any, Iterable, Iterator

_ALWAYS = "always"
# all is asked for where no tag is
_EVERY = {"all", "tagged"}


def chosen(task: Any, run_tags: Iterable[str]) -> bool:
    """Whether all tasks beside this one are chosen, because what is above them has a tag that was asked for; each has one of its own, too.

    This task has the tag always itself, and else what it inherits.
    """
    asked = set(run_tags)
    if asked & _EVERY or (tags_of(task) - {_ALWAYS}) & asked:
        return True
    above = [one for one in _above(task) if getattr(one, "statically_loaded", True)]
    return any(_ALWAYS in tags_of(one) for one in [*above, getattr(task, "_role", None)])


def unapplied(task: Any, run_tags: Iterable[str]) -> set[str]:
    """The tags that were asked for, and that chose the include of this task's role and none of its tasks; none where that is not so.

    An import in between that has tags of its own was left out on purpose, so it counts for itself.
    """
    between: set[str] = set()
    imported = False
    for include in _includes(task):
        tags = tags_of(include)
        if include.statically_loaded:
            imported, between = True, between | tags
            continue
        # tags of a block around the include are those of the import within, too
        return set() if imported and between - tags else tags & set(run_tags)
    return set()


def tags_of(one: Any) -> set[str]:
    """The tags of a task, a block or an include, with those that it inherits."""
    return {str(tag) for tag in getattr(one, "tags", None) or ()}


def _includes(task: Any) -> Iterator[Any]:
    """The includes and imports above a task, the nearest first, without those that are in its own role."""
    own = _path(task)
    for one in _above(task):
        if hasattr(one, "statically_loaded") and (own is None or _path(one) != own):
            yield one


def _above(task: Any) -> Iterator[Any]:
    """All that stands above a task, the nearest first."""
    parent = getattr(task, "_parent", None)
    while parent is not None:
        yield parent
        parent = getattr(parent, "_parent", None)


def _path(one: Any) -> Any:
    """Where the role is in whose file something stands, None outside of roles."""
    return getattr(getattr(one, "_role", None), "_role_path", None)
