// Package cli is what the commands share: the backend from a URL, flags that
// all of them have, signals, and exit codes. It is the only package that knows
// all adapters.
//
// # Exit codes
//
// 0: the command did all of what it was asked to do. 1: it failed at run time.
// 2: it was asked wrongly, and did nothing. Failures are one line on standard
// error.
package cli
