"""An invented company in the manner of SAP's demo company: partners with addresses and contacts,
items with prices and stock, and what they refer to.

The same seed and size always give the same rows. Everything is invented.
"""

from local.sample_company.build import build_company

__all__ = ["build_company"]
