package interop

// serveVariable makes the test binary a server of its own, on the address
// that is its value, so that what the server alone takes can be measured.
const serveVariable = "BINDERY_INTEROP_SERVE"

func serveAlone(string) {}
