module lictor.example/load

go 1.21
