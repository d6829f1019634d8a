"""What other units are in those of the kinds: one factor each, for devices and for files."""

MMHG_PER_KPA = 7.50061683
"""1 mmHg = 133.322 387 415 Pa (ISO 80000-4)."""
KG_PER_LB = 0.45359237
KJ_PER_KCAL = 4.184
M_PER_MILE = 1609.344
MG_PER_MMOL = 18.016
"""mg/dL in 1 mmol/L of glucose, 180.16 g/mol."""
