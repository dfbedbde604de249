module peers/load

go 1.26
