"""The model @{{ cookiecutter.slug }}.

What is read from the lake, which features it becomes, and the model on them. Read in this order: `schema` (raw data),
`ingest` (clean and curated tables), `features` (feature groups), `dataset` (rows of the model), `model` (training and
predicting), `pipeline` (how they run on SageMaker).
"""
