package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// logs are the machine's own package logs, by distribution, and then a sample
// that comes with the project. The first one that can be read is broadcast.
var logs = []string{
	"/var/log/dpkg.log",            // Debian and its descendants
	"/var/log/apt/history.log",     // the same, after dpkg's was rotated
	"/var/log/dnf.rpm.log",         // Fedora
	"/var/log/pacman.log",          // Arch Linux
	"/var/log/zypp/history",        // openSUSE
	"/var/log/install.log",         // macOS
	"testdata/sample.log",          // from the project's root
	"../../../testdata/sample.log", // from this folder
}

// mostBytes keeps the demo short where the log is long: the rest is left out.
const mostBytes = 4 << 20

// readLog returns the first log that has a whole line: its name, and its lines up
// to mostBytes.
func readLog(names []string) (name string, text []byte, err error) {
	var errs []error
	for _, name := range names {
		text, err := readLines(name)
		if err == nil {
			return name, text, nil
		}
		errs = append(errs, err)
	}
	return "", nil, fmt.Errorf("no log to broadcast: %w", errors.Join(errs...))
}

func readLines(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostBytes))
	if err != nil {
		return nil, err
	}
	// A log may be written to while it is read: the last line may be half.
	text = text[:bytes.LastIndexByte(text, '\n')+1]
	if len(text) == 0 {
		return nil, fmt.Errorf("read %s: it has no line", name)
	}
	return text, nil
}
