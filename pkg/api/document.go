package api

import (
	"fmt"
	"net/http"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/problem"
)

// Document gives the OpenAPI 3.1 document of all operations, in YAML.
func Document(ops []Operation) ([]byte, error) {
	speakProblems()
	a := humago.New(http.NewServeMux(), configuration())
	o := a.OpenAPI()
	o.Info.Description = "The back end of PixelTrack: projects, hours, invoices and the rights of the people in them."
	o.Servers = []*huma.Server{{URL: "https://api.pixeltrack.io"}}
	o.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"accessToken": {Type: "http", Scheme: "bearer", BearerFormat: "JWT"},
		"accessCookie": {Type: "apiKey", In: "cookie", Name: AccessCookie, Description: "Of a login that asked for cookies. What changes something is then taken from " +
			"the web app's own pages alone (Origin, Sec-Fetch-Site): 403 `cross_site` otherwise. Together with an Authorization header it is 400 `two_credentials`."},
	}
	for _, op := range ops {
		op.register(a)
		if err := op.describe(o); err != nil {
			return nil, err
		}
	}
	return o.YAML()
}

// describe adds to the document what huma does not know of a route.
func (op Operation) describe(o *huma.OpenAPI) error {
	item := o.Paths[op.Path]
	if item == nil {
		return fmt.Errorf("api: %s is not in the document", op.ID)
	}
	d := map[string]*huma.Operation{http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put,
		http.MethodPatch: item.Patch, http.MethodDelete: item.Delete}[op.Method]
	if d == nil {
		return fmt.Errorf("api: %s %s is not in the document", op.Method, op.Path)
	}
	d.Extensions = map[string]any{"x-permission": op.permission(), "x-purpose": op.Purpose}
	if within := op.proof(); within > 0 {
		d.Extensions["x-max-age"] = int(within.Seconds())
	}
	d.Security = []map[string][]string{}
	switch {
	case op.Recognizes:
		d.Security = []map[string][]string{{}, {"accessToken": {}}, {"accessCookie": {}}}
	case op.Audience != Public:
		d.Security = []map[string][]string{{"accessToken": {}}, {"accessCookie": {}}}
	}
	if op.ExampleIn != nil && d.RequestBody != nil {
		for _, media := range d.RequestBody.Content {
			media.Example = op.ExampleIn
		}
	}
	if op.TakesKeys() {
		d.Parameters = append(d.Parameters, &huma.Param{Name: "Idempotency-Key", In: "header",
			Description: "Makes a repeat within 24 hours answer as the first call did.",
			Schema:      &huma.Schema{Type: "string", MaxLength: ptr(255)}})
	}
	delete(d.Responses, "default")
	if ok := d.Responses[strconv.Itoa(op.Status)]; ok != nil {
		ok.Description = op.Summary
		if op.Produces != "" {
			ok.Content = map[string]*huma.MediaType{op.Produces: {}}
		}
		for _, media := range ok.Content {
			media.Example = op.ExampleOut
		}
		if ok.Headers == nil {
			ok.Headers = map[string]*huma.Param{}
		}
		ok.Headers["X-Request-Id"] = &huma.Param{Schema: &huma.Schema{Type: "string"}}
		if op.Accepted != "" {
			d.Responses["202"] = &huma.Response{Description: op.Accepted, Content: ok.Content, Headers: ok.Headers}
		}
	}
	schema := o.Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "Problem")
	codes := map[int][]string{}
	for _, r := range op.refusals() {
		status := statusOf(r.Kind)
		codes[status] = append(codes[status], fmt.Sprintf("`%s`: %s", r.Code, r.When))
	}
	for status, lines := range codes {
		slices.Sort(lines)
		d.Responses[strconv.Itoa(status)] = &huma.Response{
			Description: strings.Join(slices.Compact(lines), "\n"),
			Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: schema}},
		}
	}
	return nil
}

// Known says whether a caller may be somebody, whose token is then to be verified.
func (op Operation) Known() bool { return op.Audience != Public || op.Recognizes }

// proof is how recently the person must have shown who they are; 0 when it does not matter.
func (op Operation) proof() time.Duration {
	if op.Audience == Staff && op.Fresh == 0 {
		return access.StaffProof
	}
	return op.Fresh
}

func (op Operation) permission() string {
	switch {
	case op.Audience == Public:
		return "public"
	case op.Audience == Users:
		return "signed-in"
	case op.Audience == Staff && op.Permission == "":
		return "staff"
	case op.Permission == "":
		return "member"
	}
	return string(op.Permission)
}

// refusals are all that a route may answer: its own and those of what stands around it.
func (op Operation) refusals() []Refusal {
	all := append([]Refusal{
		{problem.Internal, "internal", "Something went wrong on our side; the request id names it."},
		{problem.Unavailable, "busy", "Too many changes at once; try again."},
		{problem.Unavailable, "restoring", "The data was restored from a backup, and what was erased since is being erased again."},
		{problem.Malformed, "malformed_json", "The request could not be read."},
		{problem.Invalid, "invalid_input", "The request has invalid fields, named in errors."},
	}, op.Refusals...)
	if op.Known() && !op.TakesTokens() {
		all = append(all, Refusal{problem.Forbidden, "token_not_allowed", "An API token does not reach this; it takes an access token."})
	}
	if op.Method != http.MethodGet {
		all = append(all, Refusal{problem.TooLarge, "body_too_large", fmt.Sprintf("The body is larger than %d bytes.", op.MaxBody)})
	}
	if !op.RawBody {
		all = append(all, Refusal{problem.Malformed, "not_json", "The body is not sent as application/json."},
			Refusal{problem.Malformed, "malformed_text", "A text has a character that is not allowed (U+0000)."})
	}
	if strings.Contains(op.Path, "{") {
		all = append(all, Refusal{problem.NotFound, "route_not_found", "The path does not name one thing."})
	}
	if op.Known() {
		all = append(all,
			Refusal{problem.Unauthenticated, "token_invalid", "The access token is not valid."},
			Refusal{problem.Unauthenticated, "token_expired", "The access token has expired."},
			Refusal{problem.Unauthenticated, "session_ended", "The session has ended."})
	}
	if op.Audience != Public {
		all = append(all, Refusal{problem.Unauthenticated, "authentication_required", "No access token."})
		if within := op.proof(); within > 0 {
			all = append(all, Refusal{problem.Unauthenticated, "reauthentication_required",
				fmt.Sprintf("The person last showed who they are more than %d minutes ago, which details.max_age and WWW-Authenticate say in seconds; POST /v1/auth/reauthenticate, then call again.", int(within.Minutes()))})
		}
		if !op.Rights && op.Audience != Staff {
			all = append(all, Refusal{problem.Forbidden, "processing_restricted", "Processing is restricted."})
		}
		if op.TakesKeys() {
			all = append(all, Refusal{problem.Invalid, "idempotency_key_reused", "The key was used for another request."},
				Refusal{problem.Conflict, "idempotency_key_in_use", "A call with this key is under way."})
			if op.replay {
				all = append(all, Refusal{problem.NotFound, "replayed_object_gone", "What the first call made is no longer there."})
			}
		}
	}
	if op.Audience == Staff {
		all = append(all, Refusal{problem.Forbidden, "staff_required", "The caller is none of PixelTrack's own people."},
			Refusal{problem.Forbidden, "second_factor_required", "The caller has no second factor."})
		if op.Permission != "" {
			all = append(all, Refusal{problem.Forbidden, "permission_denied", "Needs " + string(op.Permission) + "."})
		}
	}
	if op.Audience == Members {
		all = append(all, Refusal{problem.Unauthenticated, "membership_ended", "No longer a member."},
			Refusal{problem.Forbidden, "organization_required", "The token names no organization."},
			Refusal{problem.Forbidden, "organization_suspended", "The organization is suspended."})
		if !op.Rights {
			all = append(all, Refusal{problem.Forbidden, "second_factor_required", "The organization asks its members for a second factor, and the caller has none."})
		}
		if op.Permission != "" {
			all = append(all, Refusal{problem.Forbidden, "permission_denied", "Needs " + string(op.Permission) + "."})
		}
		if !op.PureRead {
			all = append(all, Refusal{problem.Forbidden, "organization_closing", "The organization is closing."})
		}
	}
	if op.In.Kind() == reflect.Struct && reflect.PointerTo(op.In).Implements(reflect.TypeFor[conditional]()) {
		all = append(all, Refusal{problem.ConditionMissing, "if_match_required", "If-Match is missing."},
			Refusal{problem.Stale, "stale_version", "It has changed since it was read."})
	}
	return all
}

// schemaName names a schema after its type, with the package where the name alone would not do.
func schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	name := huma.DefaultSchemaNamer(t, hint)
	if t.PkgPath() == "" || strings.HasPrefix(t.PkgPath(), "pixeltrack.io/platform/pkg/api") && !strings.Contains(t.Name(), "[") {
		return name
	}
	if !strings.HasPrefix(t.PkgPath(), "pixeltrack.io/") {
		return name
	}
	pkg := path.Base(t.PkgPath())
	if strings.HasPrefix(strings.ToLower(name), pkg) {
		return name
	}
	return strings.ToUpper(pkg[:1]) + pkg[1:] + name
}

func ptr[T any](v T) *T { return &v }
