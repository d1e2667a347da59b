package catalog

import "sync"

type autoInc struct{ mu sync.Mutex }
type counter struct{ mu sync.Mutex }
type systemTables struct{}
