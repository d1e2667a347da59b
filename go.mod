module esent

go 1.26.0
