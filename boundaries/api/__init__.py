"""The boundary admins' endpoints: layers, versions, their reports and pictures, publications, jobs."""
