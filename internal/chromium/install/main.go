// Command install makes sure that the browser is there for tests, as
// chromium.Install does, and prints where it is:
//
//	go run github.com/gobindery/bindery/internal/chromium/install
//
// It exits with 1 if there is none and none can be installed.
package main

import (
	"fmt"
	"os"

	"github.com/gobindery/bindery/internal/chromium"
)

func main() {
	browser, err := chromium.Install()
	if err != nil {
		fmt.Fprintln(os.Stderr, "install:", err)
		os.Exit(1)
	}
	fmt.Println(browser)
}
