"""S3 objects with bodies on disk.

- ``store`` keeps the bodies below the state folder, each an immutable file;
- ``deferring`` holds back what a request does to files until its records are written;
- ``listing`` is LocalStack's S3 with listings that go on behind the first page, whatever characters the keys hold;
- ``reading`` adds that a read sees one version of an object or another; it is the provider that serves.
"""
