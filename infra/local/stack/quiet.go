package stack

import (
	"io"
	"log"
)

// quiet drops what an HTTP server says about connections that were broken on purpose.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }
