package pubsubtest

func (o Options) historyCases() []Case { return nil }
