package amqpconfig_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ThreeDotsLabs/watermill-amqp/v3/pkg/amqp"
)

// known are all fields of a configuration: kept, refused, or without meaning
// here, as FromAMQPConfig's comment says. One that watermill-amqp adds must be one of them.
var known = map[string][]string{
	"":           {"Marshaler", "TopologyBuilder"},
	"Exchange":   {"GenerateName", "Type", "Durable", "AutoDeleted", "Internal", "NoWait", "Arguments"},
	"Queue":      {"GenerateName", "Durable", "AutoDelete", "Exclusive", "NoWait", "Arguments"},
	"QueueBind":  {"GenerateRoutingKey", "NoWait", "Arguments"},
	"Publish":    {"GenerateRoutingKey", "Mandatory", "Immediate", "Transactional", "ChannelPoolSize", "ConfirmDelivery"},
	"Consume":    {"NoRequeueOnNack", "Consumer", "Exclusive", "NoLocal", "NoWait", "Qos", "Arguments"},
	"Connection": {"AmqpURI", "TLSConfig", "AmqpConfig", "Reconnect"},
}

func TestEveryFieldIsKnown(t *testing.T) {
	config := reflect.TypeFor[amqp.Config]()
	check := func(part string, fields []reflect.StructField) {
		for _, f := range fields {
			if f.IsExported() && !slices.Contains(known[part], f.Name) {
				t.Errorf("FromAMQPConfig doesn't look at %s", strings.TrimPrefix(part+"."+f.Name, "."))
			}
		}
	}
	var top []reflect.StructField
	for _, f := range reflect.VisibleFields(config) {
		if f.Type.Kind() == reflect.Struct {
			if _, ok := known[f.Name]; ok {
				check(f.Name, reflect.VisibleFields(f.Type))
				continue
			}
		}
		top = append(top, f)
	}
	check("", top)
}
