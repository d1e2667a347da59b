module goese

go 1.26.0

require (
	github.com/Velocidex/ordereddict v0.0.0-20220107075049-3dbe58412844
	www.velocidex.com/golang/go-ese v0.2.0
)

require (
	github.com/Velocidex/yaml/v2 v2.2.8 // indirect
	github.com/davecgh/go-spew v1.1.1 // indirect
)
