// Package infra holds the OpenAPI document that the routes give, for the function that serves it.
package infra

import _ "embed"

// OpenAPI is the document in YAML.
//
//go:embed openapi.yaml
var OpenAPI []byte
