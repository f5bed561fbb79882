"""Opening files, folders and servers, and what is in them."""

from ._internal.catalogue.catalogue import Catalogue
from ._internal.catalogue.opening import open

__all__ = ["Catalogue", "open"]
