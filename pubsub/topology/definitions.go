package topology

// A definitions file is a JSON object with a list for each kind of thing: what
// RabbitMQ's management API, "rabbitmqctl export_definitions" and
// "import_definitions" exchange. See https://www.rabbitmq.com/docs/definitions.
//
// Arguments are JSON there: classic.FromJSON and Told say how.

// rabbitVersion is written into files: the format is that of this version.
const rabbitVersion = "3.10.8"

// section is a list of a file: its name, and the field that tells entries apart.
type section struct{ name, id, why string }

// keptOut are the sections that a topology has no place for.
var keptOut = []section{
	{"users", "name", "left out: who may log in is not part of a topology"},
	{"permissions", "user", "left out: what a user may do is not part of a topology"},
	{"topic_permissions", "user", "left out: what a user may do is not part of a topology"},
	{"parameters", "name", "left out: runtime parameters, as of shovels, federation and operator policies, have no effect here"},
	{"global_parameters", "name", "left out: parameters of the cluster are not part of a topology"},
}
