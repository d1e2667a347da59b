module esent

go 1.26.0

require golang.org/x/sys v0.50.0

require golang.org/x/text v0.44.0

require github.com/klauspost/compress v1.20.4

require github.com/coreos/go-systemd/v22 v22.7.0
