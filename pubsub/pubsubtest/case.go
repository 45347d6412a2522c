package pubsubtest

import "slices"

// Case is one thing that the model promises.
type Case struct {
	// Name is the sub-test's: the area, a slash, and what it is about.
	Name string

	// Why says what must hold, as RabbitMQ does it.
	Why string

	run func(w *world)
}

// Cases returns the cases that [Run] runs with the default options, in its
// order: by area, from what exists to what happens with it.
func Cases() []Case {
	o, _ := (*Options)(nil).complete(func(string) string { return "" })
	return o.cases()
}

// cases is the table of all cases.
func (o Options) cases() []Case {
	return slices.Concat(
		exchangeCases,
		exchangeDeleteCases,
		alternateCases,
		queueCases,
		equivalenceCases,
		exclusiveCases,
		queueDeleteCases,
		bindingCases,
		exchangeBindingCases,
		topicCases,
		headersCases,
		publishCases,
		propertiesCases,
		senderSelectedCases,
		consumeCases,
		dispatchCases,
		cancelCases,
		getCases,
		settleCases,
		requeueCases,
		priorityCases,
		singleActiveCases,
		expiresCases,
		ttlCases,
		maxLengthCases,
		deadLetterCases,
		deadLetterChainCases,
		errorCases,
		handleCases,
		retryCases,
		rpcCases,
		shutdownCases,
		immutableCases,
		concurrencyCases,
		topologyCases,
		o.historyCases(),
	)
}

func known(cases []Case, name string) bool {
	return slices.ContainsFunc(cases, func(c Case) bool { return c.Name == name })
}
