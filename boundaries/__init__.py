"""The boundary admins' side: region files are read, checked, compared, tried out, published and taken back."""
