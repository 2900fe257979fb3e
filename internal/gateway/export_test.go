package gateway

// Script has the attempts of an API made by a test, without a network.
func (a *API) Script(exchange exchanger) { a.exchange = exchange }
