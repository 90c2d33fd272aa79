"""The services of docker-compose.yml as processes of this machine: `make cluster`, and tests of all roles together."""
