package template

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"pixeltrack.io/platform/infra/local/iam"
)

func (r *reader) function(path, area, name string, p map[string]any) (*Function, error) {
	if text(p, "Runtime") != "provided.al2023" || text(p, "Handler") != "bootstrap" {
		return nil, fmt.Errorf("runtime %q with handler %q is not known here", text(p, "Runtime"), text(p, "Handler"))
	}
	dir, err := filepath.Rel(r.root, filepath.Join(filepath.Dir(path), text(p, "CodeUri")))
	if err != nil {
		return nil, err
	}
	f := &Function{Name: name, Area: area, Dir: filepath.ToSlash(dir), Environment: map[string]string{},
		Timeout:     time.Duration(number(p, 3, "Timeout")) * time.Second,
		Memory:      number(p, 128, "MemorySize"),
		Concurrency: number(p, 0, "ReservedConcurrentExecutions"),
		Retries:     number(p, 2, "EventInvokeConfig", "MaximumRetryAttempts"),
		OnFailure:   text(p, "EventInvokeConfig", "DestinationConfig", "OnFailure", "Destination"),
	}
	variables, _ := at(p, "Environment", "Variables").(map[string]any)
	for k, v := range variables {
		f.Environment[k] = fmt.Sprint(v)
		if strings.HasPrefix(k, "PARAM_") {
			r.cloud.SSM = append(r.cloud.SSM, fmt.Sprint(v))
		}
	}
	if f.Policy, err = policy(p["Policies"]); err != nil {
		return nil, err
	}
	events, _ := p["Events"].(map[string]any)
	for _, event := range sortedKeys(events) {
		if err := f.event(name+event, events[event]); err != nil {
			return nil, fmt.Errorf("%s: %w", event, err)
		}
	}
	return f, nil
}

func (f *Function) event(name string, event any) error {
	p := at(event, "Properties")
	switch kind := text(event, "Type"); kind {
	case "HttpApi":
		f.Routes = append(f.Routes, Route{Method: strings.ToUpper(text(p, "Method")), Path: text(p, "Path"), Function: f.Name})
	case "ScheduleV2", "Schedule":
		expression := text(p, "ScheduleExpression")
		if expression == "" {
			expression = text(p, "Schedule")
		}
		if text(p, "State") == "DISABLED" {
			return nil
		}
		f.Schedules = append(f.Schedules, Schedule{Name: name, Expression: expression})
	case "EventBridgeRule", "CloudWatchEvent":
		pattern, ok := at(p, "Pattern").(map[string]any)
		if !ok {
			return fmt.Errorf("a rule without a pattern")
		}
		f.Rules = append(f.Rules, Rule{Name: name, Pattern: pattern})
	case "DynamoDB":
		s := &Stream{BatchSize: number(p, 100, "BatchSize"), Bisect: text(p, "BisectBatchOnFunctionError") == "true",
			Retries: number(p, -1, "MaximumRetryAttempts"), StartingPoint: text(p, "StartingPosition")}
		for _, t := range texts(at(p, "FunctionResponseTypes")) {
			s.PartialBatch = s.PartialBatch || t == "ReportBatchItemFailures"
		}
		filters, _ := at(p, "FilterCriteria", "Filters").([]any)
		for _, filter := range filters {
			pattern := text(filter, "Pattern")
			if !json.Valid([]byte(pattern)) {
				return fmt.Errorf("the filter %q is not JSON", pattern)
			}
			s.Filters = append(s.Filters, pattern)
		}
		destination := text(p, "DestinationConfig", "OnFailure", "Destination")
		switch {
		case strings.HasPrefix(destination, "arn:aws:s3:::"):
			s.FailedBucket = strings.TrimPrefix(destination, "arn:aws:s3:::")
		case destination != "":
			s.FailedQueue = destination
		}
		f.Stream = s
	default:
		return fmt.Errorf("%s is not known here", kind)
	}
	return nil
}

func policy(v any) (*iam.Policy, error) {
	all := &iam.Policy{}
	if v == nil {
		return all, nil
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, e := range list {
		m, ok := e.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("the policy %v: managed policies are not known here; write statements", e)
		}
		statements, ok := m["Statement"].([]any)
		if !ok {
			if one, single := m["Statement"].(map[string]any); single {
				statements = []any{one}
			} else {
				return nil, fmt.Errorf("the policy template %v is not known here; write statements", sortedKeys(m))
			}
		}
		for _, s := range statements {
			statement, err := statement(s)
			if err != nil {
				return nil, err
			}
			all.Statements = append(all.Statements, statement)
		}
	}
	return all, nil
}

func statement(v any) (iam.Statement, error) {
	s := iam.Statement{Sid: text(v, "Sid"), Effect: text(v, "Effect"), Actions: texts(at(v, "Action")), Resources: texts(at(v, "Resource")),
		Condition: map[string]map[string][]string{}}
	if s.Effect != "Allow" && s.Effect != "Deny" || len(s.Actions) == 0 || len(s.Resources) == 0 {
		return s, fmt.Errorf("statement %q: effect, action and resource are needed", s.Sid)
	}
	m, _ := v.(map[string]any)
	for _, k := range sortedKeys(m) {
		switch k {
		case "Sid", "Effect", "Action", "Resource", "Condition":
		default:
			return s, fmt.Errorf("statement %q: %s is not known here", s.Sid, k)
		}
	}
	conditions, _ := at(v, "Condition").(map[string]any)
	for operator, keys := range conditions {
		pairs, ok := keys.(map[string]any)
		if !ok {
			return s, fmt.Errorf("statement %q: condition %s", s.Sid, operator)
		}
		s.Condition[operator] = map[string][]string{}
		for key, values := range pairs {
			s.Condition[operator][key] = texts(values)
		}
	}
	return s, nil
}
