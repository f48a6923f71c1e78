module sink

go 1.25
