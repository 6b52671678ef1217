"""Search and GetSearchSuggestions over every kind that the API documents."""

from penstock_services.sagemaker.search import links as links
from penstock_services.sagemaker.search import operations as operations
