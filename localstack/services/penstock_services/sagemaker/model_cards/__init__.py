"""Model cards: documents with versions, and their export as PDF."""

from penstock_services.sagemaker.model_cards import cards as cards
from penstock_services.sagemaker.model_cards import export as export
