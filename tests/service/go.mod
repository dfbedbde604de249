module tests/service

go 1.21
