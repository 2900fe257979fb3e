package http

import (
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"
	swaggerFiles "github.com/swaggo/files"
	ginSwagger "github.com/swaggo/gin-swagger"

	_ "hedgerow/docs" // the document that the console shows
)

// consolePolicy lets the console load what it is made of and call this API, and nothing else.
const consolePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; " +
	"img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// routeConsole serves the Swagger console at /, each asset by a route of its own: a catch-all would collide with the API.
func routeConsole(r *gin.Engine) {
	console := ginSwagger.WrapHandler(swaggerFiles.NewHandler())
	get(r, "/", asset(console, "index.html"))
	for _, name := range []string{
		"index.html", "index.css", "swagger-initializer.js", "doc.json", "swagger-ui.css", "swagger-ui-bundle.js",
		"swagger-ui-standalone-preset.js", "favicon-16x16.png", "favicon-32x32.png",
	} {
		get(r, "/"+name, asset(console, name))
	}
}

// asset serves one file of the console. gin-swagger looks at the request line, keeps what it finds before the name in the first
// one it sees, and knows GET only, so it gets a request line of ours.
func asset(console gin.HandlerFunc, name string) gin.HandlerFunc {
	return func(c *gin.Context) {
		request := *c.Request
		request.Method = http.MethodGet
		request.RequestURI = "/" + name
		request.URL = &url.URL{Path: request.RequestURI}
		received := c.Request
		c.Request = &request
		defer func() { c.Request = received }() // the log tells what was asked for
		c.Header("Content-Security-Policy", consolePolicy)
		console(c)
	}
}
