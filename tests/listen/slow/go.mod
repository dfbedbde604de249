module lictor.example/slow

go 1.21
