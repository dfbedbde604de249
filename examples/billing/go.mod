module examples/billing

go 1.21
