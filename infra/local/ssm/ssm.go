// Package ssm is the local stack's Parameter Store: the parameters that it was started with, read by whose role allows.
package ssm

import (
	"maps"
	"net/http"
	"time"

	"pixeltrack.io/platform/infra/local/awsjson"
	"pixeltrack.io/platform/infra/local/guard"
	"pixeltrack.io/platform/infra/local/identity"
	"pixeltrack.io/platform/infra/local/simclock"
)

const arnPrefix = "arn:aws:ssm:us-east-1:000000000000:parameter"

// sealed is what a secret reads like without WithDecryption.
const sealed = "AQICAHgsealedbythelocalstack"

// Parameter is one parameter.
type Parameter struct {
	Name  string // /pixeltrack/local/link-secret
	Value string
	Plain bool // a String; a SecureString otherwise
}

// Options are what the service is made of.
type Options struct {
	Parameters []Parameter
	Identities *identity.Registry
	Clock      *simclock.Clock
	Guard      guard.Guard
}

type service struct {
	parameters map[string]Parameter
	since      time.Time
}

// New makes the service.
func New(o Options) http.Handler {
	s := &service{parameters: map[string]Parameter{}, since: o.Clock.Now()}
	for _, p := range o.Parameters {
		s.parameters[p.Name] = p
	}
	return &awsjson.Service{Name: "ssm", Target: "AmazonSSM", Identities: o.Identities, Now: o.Clock.Now, Guard: o.Guard,
		Operations: map[string]awsjson.Operation{"GetParameter": s.get, "GetParameters": s.getMany}}
}

type wire struct {
	ARN              string
	DataType         string
	LastModifiedDate float64
	Name             string
	Type             string
	Value            string
	Version          int
}

func (s *service) get(c *awsjson.Call) (any, error) {
	var q struct {
		Name           string
		WithDecryption bool
	}
	if err := c.Read(&q); err != nil {
		return nil, err
	}
	if err := c.Allow("ssm:GetParameter", arnPrefix+q.Name, nil); err != nil {
		return nil, err
	}
	p, ok := s.parameters[q.Name]
	if !ok {
		return nil, &awsjson.Error{Type: "ParameterNotFound", Message: ""}
	}
	return map[string]any{"Parameter": s.wire(p, q.WithDecryption)}, nil
}

func (s *service) getMany(c *awsjson.Call) (any, error) {
	var q struct {
		Names          []string
		WithDecryption bool
	}
	if err := c.Read(&q); err != nil {
		return nil, err
	}
	if len(q.Names) < 1 || len(q.Names) > 10 {
		return nil, &awsjson.Error{Type: "ValidationException", Message: "1 validation error detected: Value at 'names' failed to satisfy constraint: Member must have length between 1 and 10"}
	}
	found, missing := map[string]wire{}, []string{}
	for _, name := range q.Names {
		if err := c.Allow("ssm:GetParameters", arnPrefix+name, nil); err != nil {
			return nil, err
		}
		p, ok := s.parameters[name]
		if !ok {
			missing = append(missing, name)
			continue
		}
		found[name] = s.wire(p, q.WithDecryption)
	}
	list := []wire{}
	for p := range maps.Values(found) {
		list = append(list, p)
	}
	return map[string]any{"Parameters": list, "InvalidParameters": missing}, nil
}

func (s *service) wire(p Parameter, open bool) wire {
	w := wire{ARN: arnPrefix + p.Name, DataType: "text", LastModifiedDate: float64(s.since.UnixMilli()) / 1000, Name: p.Name, Type: "SecureString", Value: p.Value, Version: 1}
	if p.Plain {
		w.Type = "String"
	} else if !open {
		w.Value = sealed
	}
	return w
}
