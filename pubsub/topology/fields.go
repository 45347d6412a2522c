package topology

import "fmt"

// fields reads an entry of a definitions file. The first error stays.
type fields struct {
	object
	name string // of the entry, for warnings
	err  error
}

func (f *fields) fail(format string, args ...any) {
	if f.err == nil {
		f.err = fmt.Errorf(format, args...)
	}
}

func (f *fields) text(name string, needed bool) string {
	v, ok := f.object[name]
	delete(f.object, name)
	s, isText := v.(string)
	switch {
	case !ok && needed:
		f.fail("%s is missing", name)
	case ok && !isText:
		f.fail("%s is %v; it must be a string", name, v)
	}
	return s
}

func (f *fields) boolean(name string) bool {
	v, ok := f.object[name]
	delete(f.object, name)
	b, isBool := v.(bool)
	if ok && !isBool {
		f.fail("%s is %v; it must be true or false", name, v)
	}
	return b
}
