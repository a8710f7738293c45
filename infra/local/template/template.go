// Package template reads template.yaml and its nested stacks into what the local stack runs: functions with their
// roles and triggers, APIs, the table, buckets, queues and keys. What it does not know and that matters is refused.
package template

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"pixeltrack.io/platform/infra/local/iam"
)

// Cloud is everything that the templates declare.
type Cloud struct {
	Table     Table
	Buckets   []Bucket
	Keys      []Key
	BusName   string
	APIs      []API
	Functions []*Function
	SSM       []string // names of the parameters that functions are given
}

// Table is the product's table.
type Table struct {
	Name, ARN, StreamARN, TTL string
	KMSKey                    string // the ARN of the key that encrypts it and its stream, empty for DynamoDB's own
	Stream                    bool   // with new and old images
	Recovery                  bool   // to a point in time
}

// Bucket is an S3 bucket with the rules that the local stack applies.
type Bucket struct {
	Logical, Name string
	Versioned     bool
	Locked        bool   // Object Lock
	LockMode      string // of a locked bucket's default retention: GOVERNANCE or COMPLIANCE, empty for none
	LockDays      int
	KMSKey        string // the ARN of the key that encrypts it, empty for S3's own
	Rules         []LifecycleRule
	Policy        *iam.Policy // what the bucket itself denies, nil for nothing
	CORS          []BucketCORS
}

// BucketCORS lets pages of other origins use a bucket.
type BucketCORS struct{ Origins, Methods, Headers, Expose []string }

// LifecycleRule is one rule of a bucket; zero days leave that part out.
type LifecycleRule struct {
	Prefix         string
	Days           int
	NoncurrentDays int
	AbortDays      int
	ExpiredMarkers bool // delete markers with nothing behind them go
}

// Key is a KMS key.
type Key struct {
	Logical, ID, ARN string
	Signing          bool
}

// API is one HTTP API.
type API struct {
	Area       string
	CORS       CORS
	Authorizer string // the function that is asked, empty for none
	Identity   string // the header it is asked with
	TTL        time.Duration
	Routes     []Route
}

// CORS is an API's configuration.
type CORS struct {
	Origins, Methods, Headers, Expose []string
	Credentials                       bool
	MaxAge                            int
}

// Route is one route of an API.
type Route struct{ Method, Path, Function string }

// Function is one Lambda function.
type Function struct {
	Name        string // CreateClient
	Area        string // clients, after the file of its stack
	Dir         string // functions/clients/create-client
	Timeout     time.Duration
	Memory      int
	Concurrency int // reserved; 0 is none
	Environment map[string]string
	Policy      *iam.Policy
	Schedules   []Schedule
	Rules       []Rule
	Stream      *Stream
	Retries     int    // of an asynchronous event
	OnFailure   string // where an asynchronous event goes at last, empty for nowhere
	Routes      []Route
}

// Schedule is an EventBridge schedule.
type Schedule struct{ Name, Expression string }

// Rule is a rule on the bus.
type Rule struct {
	Name    string
	Pattern map[string]any
}

// Stream is a stream event source mapping.
type Stream struct {
	BatchSize     int
	Bisect        bool
	Retries       int
	PartialBatch  bool
	Filters       []string // JSON patterns; none takes everything
	FailedBucket  string   // where records go that failed for good
	FailedQueue   string
	StartingPoint string
}

// Read reads the root template with the parameters given.
func Read(root string, parameters map[string]string) (*Cloud, error) {
	c := &Cloud{}
	given := map[string]any{}
	for k, v := range parameters {
		given[k] = v
	}
	r := &reader{cloud: c, root: root, policies: map[string]*iam.Policy{}}
	if _, err := r.stack(filepath.Join(root, "template.yaml"), "", given); err != nil {
		return nil, err
	}
	slices.SortFunc(c.Functions, func(a, b *Function) int { return strings.Compare(a.Name, b.Name) })
	readers := 0
	for _, f := range c.Functions {
		if f.Stream != nil {
			readers++
		}
	}
	if readers > 2 {
		return nil, fmt.Errorf("template: %d functions read the stream; a shard bears two", readers)
	}
	return c, r.link()
}

// Function finds a function by its name, with or without its stack (Clients/CreateClient).
func (c *Cloud) Function(name string) *Function {
	_, short, nested := strings.Cut(name, "/")
	if !nested {
		short = name
	}
	for _, f := range c.Functions {
		if f.Name == short {
			return f
		}
	}
	return nil
}

type reader struct {
	cloud    *Cloud
	root     string
	policies map[string]*iam.Policy // of buckets, by name
}

// stack reads one template and gives its outputs.
func (r *reader) stack(path, area string, given map[string]any) (map[string]any, error) {
	doc, err := load(path)
	if err != nil {
		return nil, err
	}
	fail := func(what string, err error) error { return fmt.Errorf("%s: %s: %w", filepath.Base(path), what, err) }
	resources, _ := doc["Resources"].(map[string]any)
	s := &scope{parameters: map[string]any{}, decided: map[string]bool{}}
	s.conditions, _ = doc["Conditions"].(map[string]any)
	s.mappings, _ = doc["Mappings"].(map[string]any)
	declared, _ := doc["Parameters"].(map[string]any)
	for _, name := range sortedKeys(declared) {
		v, ok := given[name]
		if !ok {
			v, ok = at(declared[name], "Default"), at(declared[name], "Default") != nil
		}
		if !ok {
			return nil, fail(name, fmt.Errorf("the parameter has no value"))
		}
		if text(declared[name], "Type") == "CommaDelimitedList" {
			var list []any
			for _, e := range strings.Split(fmt.Sprint(v), ",") {
				list = append(list, strings.TrimSpace(e))
			}
			v = list
		}
		s.parameters[name] = v
	}
	for name := range given {
		if _, ok := declared[name]; !ok && area != "" {
			return nil, fail(name, fmt.Errorf("the stack declares no such parameter"))
		}
	}
	nested := map[string]map[string]any{}
	s.attribute = func(name, attribute string) (any, error) {
		return r.attribute(resources, nested, area, name, attribute)
	}
	var order []string
	for _, name := range sortedKeys(resources) { // nested stacks last: they refer to the rest
		if text(resources[name], "Type") != "AWS::Serverless::Application" {
			order = append(order, name)
		}
	}
	for _, name := range sortedKeys(resources) {
		if text(resources[name], "Type") == "AWS::Serverless::Application" {
			order = append(order, name)
		}
	}
	for _, name := range order {
		if c := text(resources[name], "Condition"); c != "" {
			yes, err := s.condition(c)
			if err != nil {
				return nil, fail(name, err)
			}
			if !yes {
				continue
			}
		}
		kind := text(resources[name], "Type")
		raw, _ := at(resources[name], "Properties").(map[string]any)
		if kind == "AWS::Serverless::Function" {
			raw = withGlobals(raw, at(doc, "Globals", "Function"))
		}
		resolved, err := s.resolve(raw)
		if err != nil {
			return nil, fail(name, err)
		}
		properties, _ := resolved.(map[string]any)
		if kind == "AWS::Serverless::Application" {
			location := text(properties, "Location")
			in, _ := properties["Parameters"].(map[string]any)
			outputs, err := r.stack(filepath.Join(filepath.Dir(path), location), strings.TrimSuffix(filepath.Base(location), ".yaml"), in)
			if err != nil {
				return nil, err
			}
			nested[name] = outputs
			continue
		}
		if err := r.resource(path, area, name, kind, properties); err != nil {
			return nil, fail(name, err)
		}
	}
	return nil, nil
}

// withGlobals lays a function's own properties over the globals; environments are merged.
func withGlobals(own map[string]any, globals any) map[string]any {
	all := map[string]any{}
	if g, ok := globals.(map[string]any); ok {
		maps.Copy(all, g)
	}
	shared, _ := at(all, "Environment", "Variables").(map[string]any)
	maps.Copy(all, own)
	variables := map[string]any{}
	maps.Copy(variables, shared)
	if mine, ok := at(own, "Environment", "Variables").(map[string]any); ok {
		maps.Copy(variables, mine)
	}
	all["Environment"] = map[string]any{"Variables": variables}
	return all
}

func arn(service, rest string) string {
	return "arn:aws:" + service + ":" + Region + ":" + Account + ":" + rest
}

// TableName is the local table's name.
const TableName = "pixeltrack-local"

func bucketName(logical string) string {
	return "pixeltrack-local-" + strings.ToLower(strings.TrimSuffix(logical, "Bucket"))
}

// attribute gives what Ref (no name) and GetAtt of a resource are here.
func (r *reader) attribute(resources map[string]any, nested map[string]map[string]any, area, name, attribute string) (any, error) {
	resource, ok := resources[name]
	if !ok {
		return nil, fmt.Errorf("nothing is called %s", name)
	}
	kind := text(resource, "Type")
	switch kind + " " + attribute {
	case "AWS::DynamoDB::Table ":
		return TableName, nil
	case "AWS::DynamoDB::Table Arn":
		return arn("dynamodb", "table/"+TableName), nil
	case "AWS::DynamoDB::Table StreamArn":
		return arn("dynamodb", "table/"+TableName+"/stream/local"), nil
	case "AWS::S3::Bucket ":
		return bucketName(name), nil
	case "AWS::S3::Bucket Arn":
		return "arn:aws:s3:::" + bucketName(name), nil
	case "AWS::KMS::Key ", "AWS::KMS::Key KeyId":
		return strings.ToLower(name), nil
	case "AWS::KMS::Key Arn":
		return arn("kms", "key/"+strings.ToLower(name)), nil
	case "AWS::Events::EventBus ", "AWS::Events::EventBus Name":
		return "pixeltrack-local", nil
	case "AWS::Events::EventBus Arn":
		return arn("events", "event-bus/pixeltrack-local"), nil
	case "AWS::SQS::Queue ":
		return "http://127.0.0.1/" + Account + "/" + name, nil
	case "AWS::SQS::Queue Arn":
		return arn("sqs", name), nil
	case "AWS::SQS::Queue QueueName":
		return name, nil
	case "AWS::SNS::Topic ":
		return arn("sns", name), nil
	case "AWS::Logs::LogGroup ":
		return "/local/" + name, nil
	case "AWS::Logs::LogGroup Arn":
		return arn("logs", "log-group:/local/"+name), nil
	case "AWS::Serverless::Function ":
		return name, nil
	case "AWS::Serverless::Function Arn":
		return arn("lambda", "function:"+name), nil
	case "AWS::Serverless::HttpApi ":
		return area, nil
	case "AWS::IAM::Role Arn":
		return "arn:aws:iam::" + Account + ":role/" + name, nil
	case "AWS::IAM::Role ":
		return name, nil
	}
	if kind == "AWS::Serverless::Application" {
		return nested[name][strings.TrimPrefix(attribute, "Outputs.")], nil
	}
	return nil, fmt.Errorf("%s of %s (%s) is not known here", attribute, name, kind)
}

// resource takes in what the local stack runs, passes over what only AWS has, and refuses the rest.
func (r *reader) resource(path, area, name, kind string, p map[string]any) error {
	switch kind {
	case "AWS::DynamoDB::Table":
		if r.cloud.Table.Name != "" {
			return fmt.Errorf("a second table")
		}
		r.cloud.Table = Table{Name: TableName, ARN: arn("dynamodb", "table/"+TableName),
			StreamARN: arn("dynamodb", "table/"+TableName+"/stream/local"), TTL: text(p, "TimeToLiveSpecification", "AttributeName"),
			KMSKey: keyARN(text(p, "SSESpecification", "KMSMasterKeyId")),
			Stream: text(p, "StreamSpecification", "StreamViewType") == "NEW_AND_OLD_IMAGES", Recovery: text(p, "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled") == "true"}
	case "AWS::S3::Bucket":
		r.cloud.Buckets = append(r.cloud.Buckets, bucket(name, p))
	case "AWS::KMS::Key":
		r.cloud.Keys = append(r.cloud.Keys, Key{Logical: name, ID: strings.ToLower(name), ARN: arn("kms", "key/"+strings.ToLower(name)),
			Signing: text(p, "KeyUsage") == "SIGN_VERIFY"})
	case "AWS::Events::EventBus":
		r.cloud.BusName = text(p, "Name")
		if r.cloud.BusName == "" || !strings.HasPrefix(r.cloud.BusName, "pixeltrack") {
			return fmt.Errorf("the bus is called %q", r.cloud.BusName)
		}
		r.cloud.BusName = "pixeltrack-local"
	case "AWS::Serverless::HttpApi":
		r.cloud.APIs = append(r.cloud.APIs, httpAPI(area, p))
	case "AWS::Serverless::Function":
		f, err := r.function(path, area, name, p)
		if err != nil {
			return err
		}
		r.cloud.Functions = append(r.cloud.Functions, f)
	case "AWS::S3::BucketPolicy":
		return r.bucketPolicy(p)
	case "AWS::KMS::Alias", "AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "AWS::SNS::Topic", "AWS::SNS::TopicPolicy",
		"AWS::SNS::Subscription", "AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm", "AWS::Logs::LogGroup", "AWS::Logs::MetricFilter", "AWS::IAM::Role",
		"AWS::IAM::ManagedPolicy", "AWS::Lambda::Permission":
	default:
		return fmt.Errorf("%s is not known here", kind)
	}
	return nil
}

// keyARN is the ARN of a key that a property names by its id or its ARN.
func keyARN(name string) string {
	if name == "" || strings.HasPrefix(name, "arn:") {
		return name
	}
	return arn("kms", "key/"+name)
}

func bucket(name string, p map[string]any) Bucket {
	b := Bucket{Logical: name, Name: bucketName(name), Versioned: text(p, "VersioningConfiguration", "Status") == "Enabled",
		Locked:   text(p, "ObjectLockEnabled") == "true",
		LockMode: text(p, "ObjectLockConfiguration", "Rule", "DefaultRetention", "Mode"), LockDays: number(p, 0, "ObjectLockConfiguration", "Rule", "DefaultRetention", "Days")}
	if defaults, _ := at(p, "BucketEncryption", "ServerSideEncryptionConfiguration").([]any); len(defaults) == 1 {
		b.KMSKey = text(defaults[0], "ServerSideEncryptionByDefault", "KMSMasterKeyID")
	}
	rules, _ := at(p, "LifecycleConfiguration", "Rules").([]any)
	for _, rule := range rules {
		if text(rule, "Status") != "Enabled" {
			continue
		}
		b.Rules = append(b.Rules, LifecycleRule{
			Prefix:         text(rule, "Prefix"),
			Days:           number(rule, 0, "ExpirationInDays"),
			NoncurrentDays: number(rule, 0, "NoncurrentVersionExpiration", "NoncurrentDays"),
			AbortDays:      number(rule, 0, "AbortIncompleteMultipartUpload", "DaysAfterInitiation"),
			ExpiredMarkers: text(rule, "ExpiredObjectDeleteMarker") == "true",
		})
	}
	cors, _ := at(p, "CorsConfiguration", "CorsRules").([]any)
	for _, rule := range cors {
		b.CORS = append(b.CORS, BucketCORS{Origins: texts(at(rule, "AllowedOrigins")), Methods: texts(at(rule, "AllowedMethods")),
			Headers: texts(at(rule, "AllowedHeaders")), Expose: texts(at(rule, "ExposedHeaders"))})
	}
	return b
}

// bucketPolicy gives a bucket what its own policy says. Only denials to everybody are known here: the roles allow.
func (r *reader) bucketPolicy(p map[string]any) error {
	statements, _ := at(p, "PolicyDocument", "Statement").([]any)
	all := &iam.Policy{}
	for _, v := range statements {
		if text(v, "Effect") != "Deny" || text(v, "Principal") != "*" {
			return fmt.Errorf("a bucket policy may only deny, and to everybody")
		}
		own, _ := v.(map[string]any)
		own = maps.Clone(own)
		delete(own, "Principal")
		s, err := statement(own)
		if err != nil {
			return err
		}
		all.Statements = append(all.Statements, s)
	}
	r.policies[text(p, "Bucket")] = all
	return nil
}

func httpAPI(area string, p map[string]any) API {
	a := API{Area: area, CORS: CORS{
		Origins:     texts(at(p, "CorsConfiguration", "AllowOrigins")),
		Methods:     texts(at(p, "CorsConfiguration", "AllowMethods")),
		Headers:     texts(at(p, "CorsConfiguration", "AllowHeaders")),
		Expose:      texts(at(p, "CorsConfiguration", "ExposeHeaders")),
		Credentials: text(p, "CorsConfiguration", "AllowCredentials") == "true",
		MaxAge:      number(p, 0, "CorsConfiguration", "MaxAge"),
	}}
	name := text(p, "Auth", "DefaultAuthorizer")
	authorizer := at(p, "Auth", "Authorizers", name)
	if function := text(authorizer, "FunctionArn"); function != "" {
		a.Authorizer = function[strings.LastIndex(function, ":")+1:]
		if headers := texts(at(authorizer, "Identity", "Headers")); len(headers) == 1 {
			a.Identity = strings.ToLower(headers[0])
		}
		a.TTL = time.Duration(number(authorizer, 0, "Identity", "ReauthorizeEvery")) * time.Second
	}
	return a
}

// link gives the routes of functions to the APIs of their areas, and buckets their policies.
func (r *reader) link() error {
	for i := range r.cloud.Buckets {
		r.cloud.Buckets[i].Policy = r.policies[r.cloud.Buckets[i].Name]
		delete(r.policies, r.cloud.Buckets[i].Name)
	}
	if len(r.policies) > 0 {
		return fmt.Errorf("template: policies of buckets that are not here: %v", slices.Sorted(maps.Keys(r.policies)))
	}
	for _, f := range r.cloud.Functions {
		for _, route := range f.Routes {
			i := slices.IndexFunc(r.cloud.APIs, func(a API) bool { return a.Area == f.Area })
			if i < 0 {
				return fmt.Errorf("template: %s has a route, but the stack of %s has no API", f.Name, f.Area)
			}
			r.cloud.APIs[i].Routes = append(r.cloud.APIs[i].Routes, route)
		}
	}
	return nil
}
