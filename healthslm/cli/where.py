"""Which modules have which command: only those of the one that is asked for are loaded.

All of them take twice as long, which on a small board are seconds.
"""

from __future__ import annotations

MODULES: dict[str, tuple[str, ...]] = {
    "alerts": ("alerting", "alerts_list", "alerts_test", "policy", "replay"),
    "analyse": ("analyse", "analyse_glucose", "analyse_news2", "analyse_rr", "analyse_vitals"),
    "ask": ("asking",),
    "note": ("asking",),
    "backup": ("backup",),
    "restore": ("backup",),
    "companion": ("companion",),
    "devices": ("devices",),
    "doctor": ("doctor",),
    "eval": ("evaluate",),
    "hooks": ("hooks", "hooks_add"),
    "audit": ("keeping",),
    "retention": ("keeping",),
    "keys": ("keys",),
    "erase": ("keys",),
    "run": ("listening",),
    "decode": ("decoding",),
    "lock": ("locking",),
    "unlock": ("unlocking",),
    "while-locked": ("while_locked",),
    "summary": ("look",),
    "findings": ("look",),
    "export": ("export", "archiving"),
    "import": ("importing",),
    "share": ("share_list",),
    "demo": ("measure",),
    "bench": ("measure",),
    "people": ("people",),
    "readings": ("readings",),
    "rules": ("rules",),
    "init": ("setup",),
    "model": ("models",),
}
EVERY = tuple(sorted({module for modules in MODULES.values() for module in modules}))
"""In the order in which `--help` lists what they have."""
