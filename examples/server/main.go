// Server is the reference server: a SCIM service with a tiny product around it, to try an identity provider against.
//
//	go run ./examples/server -addr 127.0.0.1:8080 -token acme=SECRET
//
// It prints one line "ready http://ADDR/BASE" when it accepts connections, and stops cleanly on SIGTERM. The product is a
// demo API under /app, which is not authenticated: see package examples/app.
package main

import (
	"github.com/rollcall-dev/rollcall/examples/app"
	"github.com/rollcall-dev/rollcall/examples/boot"
)

func main() {
	a := &app.App{}
	a.Plugins = []app.Plugin{metrics(a), publisher()}
	boot.Main(a.Boot("server"))
}
