package checks

import (
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// stacks holds the list and the templates together.
func stacks(f *findings, tree fs.FS, list []Operation) {
	areas := map[string][]Operation{}
	for _, o := range list {
		areas[o.Area] = append(areas[o.Area], o)
	}
	root, err := load(tree, "template.yaml")
	if err != nil {
		f.add("%v", err)
		return
	}
	files, err := fs.Glob(tree, "infra/stacks/*.yaml")
	if err != nil {
		f.add("infra/stacks: %v", err)
	}
	for _, file := range files {
		if area := strings.TrimSuffix(path.Base(file), ".yaml"); areas[area] == nil {
			f.add("%s: the list has no such area", file)
		}
	}
	applications := map[string]bool{}
	resources, _ := at(root, "Resources").(map[string]any)
	for name, r := range resources {
		switch text(r, "Type") {
		case "AWS::Serverless::Application":
			location := text(r, "Properties", "Location")
			applications[location] = true
			if _, err := fs.Stat(tree, location); err != nil {
				f.add("template.yaml: %s: %s is not there", name, location)
			}
		case "AWS::Serverless::Function":
			if dir := text(r, "Properties", "CodeUri"); !strings.HasPrefix(dir, "functions/"+edgeArea+"/") {
				f.add("template.yaml: %s: the functions of areas are in their stacks", name)
			}
		}
	}
	for _, area := range slices.Sorted(maps.Keys(areas)) {
		file := "infra/stacks/" + area + ".yaml"
		stack, err := load(tree, file)
		if err != nil {
			f.add("%v", err)
			continue
		}
		if !applications[file] {
			f.add("template.yaml: no application is made of %s", file)
		}
		stackOf(f, file, stack, areas[area])
		ringOf(f, tree, stack, areas[area])
	}
}

// ringOf looks whether each function that serves the table can know if that is one that was restored and may not be served.
func ringOf(f *findings, tree fs.FS, stack map[string]any, list []Operation) {
	for _, o := range list {
		main, err := fs.ReadFile(tree, path.Join(o.dir(), "main.go"))
		if err != nil || strings.Contains(string(main), "lambdahttp.StartStatic(") {
			continue
		}
		reads := false
		policies, _ := at(stack, "Resources", o.resource(), "Properties", "Policies").([]any)
		for _, policy := range policies {
			statements, _ := at(policy, "Statement").([]any)
			for _, s := range statements {
				reads = reads || slices.Contains(texts(at(s, "Action")), "dynamodb:GetItem") &&
					slices.Contains(texts(at(s, "Condition", "ForAllValues:StringLike", "dynamodb:LeadingKeys")), "PLATFORM#KEYRING")
			}
		}
		if !reads {
			f.add("%s: it serves the table, and no statement lets it read in PLATFORM#KEYRING whether the table may be served", o.ID)
		}
	}
}

func stackOf(f *findings, file string, stack map[string]any, list []Operation) {
	resources, _ := at(stack, "Resources").(map[string]any)
	listed := map[string]bool{}
	for _, o := range list {
		listed[o.resource()] = true
		r := resources[o.resource()]
		if text(r, "Type") != "AWS::Serverless::Function" {
			f.add("%s: %s has no function %s", o.ID, file, o.resource())
			continue
		}
		functionOf(f, file, stack, r, o)
	}
	for name, r := range resources {
		if text(r, "Type") == "AWS::Serverless::Function" && !listed[name] {
			f.add("%s: %s: the list has no such route or job", file, name)
		}
	}
}

func functionOf(f *findings, file string, stack map[string]any, r any, o Operation) {
	p := at(r, "Properties")
	if uri := text(p, "CodeUri"); uri != "../../"+o.dir() {
		f.add("%s: its code is in %q", o.ID, uri)
	}
	with := func(name string) string {
		if v := text(p, name); v != "" {
			return v
		}
		return text(stack, "Globals", "Function", name)
	}
	if with("Runtime") != "provided.al2023" || with("Handler") != "bootstrap" || with("MemorySize") == "" || with("Timeout") == "" {
		f.add("%s: runtime, handler, memory and timeout are needed", o.ID)
	}
	if arch := append(texts(at(p, "Architectures")), texts(at(stack, "Globals", "Function", "Architectures"))...); !slices.Equal(arch, []string{"arm64"}) {
		f.add("%s: it runs on %v", o.ID, arch)
	}
	logs := at(stack, "Resources", o.resource()+"Logs")
	if text(p, "LoggingConfig", "LogGroup") != o.resource()+"Logs" || text(logs, "Type") != "AWS::Logs::LogGroup" || at(logs, "Properties", "RetentionInDays") == nil {
		f.add("%s: it has no log group of its own with a retention", o.ID)
	}
	rolesOf(f, p, o)
	if o.Tokens {
		tokensOf(f, p, o)
	}
	eventsOf(f, p, o)
}

// rolesOf looks at the role of a function: statements of its own, each with a name, none of them for everything.
func rolesOf(f *findings, p any, o Operation) {
	policies, _ := at(p, "Policies").([]any)
	sids := map[string]bool{}
	for _, policy := range policies {
		statements, _ := at(policy, "Statement").([]any)
		if statements == nil {
			f.add("%s: a role has statements of its own and nothing else", o.ID)
		}
		for _, s := range statements {
			sid := text(s, "Sid")
			if sid == "" || sids[sid] {
				f.add("%s: statement %q: each has a name of its own", o.ID, sid)
			}
			sids[sid] = true
			for _, action := range texts(at(s, "Action")) {
				if strings.Contains(action, "*") || action == "dynamodb:Scan" || strings.HasPrefix(action, "dynamodb:PartiQL") {
					f.add("%s: statement %s allows %s", o.ID, sid, action)
				}
				if strings.HasPrefix(action, "dynamodb:") && !strings.HasPrefix(action, "dynamodb:Describe") && len(texts(at(s, "Condition", "ForAllValues:StringLike", "dynamodb:LeadingKeys"))) == 0 {
					f.add("%s: statement %s is not limited to families", o.ID, sid)
				}
			}
			if slices.Contains(texts(at(s, "Resource")), "*") {
				f.add("%s: statement %s is for every resource", o.ID, sid)
			}
		}
	}
}

// tokensOf looks whether a function of members can know the caller of an API token, and keep when it was used.
func tokensOf(f *findings, p any, o Operation) {
	needs := map[string][]string{"Caller": {"TOKEN#*", "USER#*#APIKEY", "USER#*#TOKENUSE"}, "TokenUse": {"USER#*#TOKENUSE"}}
	policies, _ := at(p, "Policies").([]any)
	for _, policy := range policies {
		statements, _ := at(policy, "Statement").([]any)
		for _, s := range statements {
			families := texts(at(s, "Condition", "ForAllValues:StringLike", "dynamodb:LeadingKeys"))
			missing := func(family string) bool { return !slices.Contains(families, family) }
			if !slices.ContainsFunc(needs[text(s, "Sid")], missing) {
				delete(needs, text(s, "Sid"))
			}
		}
	}
	for _, sid := range slices.Sorted(maps.Keys(needs)) {
		f.add("%s: it takes API tokens, and statement %s does not let it read them or keep their use", o.ID, sid)
	}
}

// eventsOf compares what starts a function with what the list says.
func eventsOf(f *findings, p any, o Operation) {
	events, _ := at(p, "Events").(map[string]any)
	var routes, triggers []string
	for _, name := range slices.Sorted(maps.Keys(events)) {
		e := at(events[name], "Properties")
		switch kind := text(events[name], "Type"); kind {
		case "HttpApi":
			routes = append(routes, strings.ToUpper(text(e, "Method"))+" "+text(e, "Path"))
			if at(e, "Auth") != nil {
				f.add("%s: its route goes round the edge's authorizer", o.ID)
			}
		case "ScheduleV2":
			triggers = append(triggers, "schedule")
		case "DynamoDB":
			triggers = append(triggers, "stream")
			if at(e, "DestinationConfig", "OnFailure", "Destination") == nil {
				f.add("%s: records that fail for good go nowhere", o.ID)
			}
		case "EventBridgeRule":
			triggers = append(triggers, texts(at(e, "Pattern", "detail-type"))...)
		default:
			f.add("%s: it is started by %s", o.ID, kind)
		}
	}
	var want []string
	if o.route() {
		want = []string{o.Method + " " + o.Path}
	}
	if !slices.Equal(routes, want) {
		f.add("%s: its stack gives it the routes %q; the list says %q", o.ID, routes, want)
	}
	slices.Sort(triggers)
	if said := slices.Sorted(slices.Values(o.Triggers)); !slices.Equal(triggers, said) {
		f.add("%s: its stack starts it by %q; the list says %q", o.ID, triggers, said)
	}
	asynchronous := slices.ContainsFunc(triggers, func(t string) bool { return t != "stream" })
	if asynchronous && at(p, "EventInvokeConfig", "DestinationConfig", "OnFailure") == nil {
		f.add("%s: events that fail for good go nowhere", o.ID)
	}
}

// edge holds the prefixes of the routes and the table of the edge together: the first pattern that fits a route leads to
// the API of its area.
func edge(f *findings, tree fs.FS, list []Operation) {
	doc, err := load(tree, "infra/edge.yaml")
	if err != nil {
		f.add("%v", err)
		return
	}
	config := at(doc, "Resources", "Distribution", "Properties", "DistributionConfig")
	if v := text(config, "ViewerCertificate", "MinimumProtocolVersion"); v != "TLSv1.3_2025" {
		f.add("infra/edge.yaml: the edge speaks %q", v)
	}
	behaviors, _ := at(config, "CacheBehaviors").([]any)
	for _, o := range list {
		if !o.route() {
			continue
		}
		if to := leads(config, behaviors, o.Path); to != o.Area {
			f.add("%s: the edge leads %s to %q", o.ID, o.Path, to)
		}
		output := strings.ToUpper(o.Area[:1]) + o.Area[1:] + "Api"
		if at(doc, "Parameters", output) == nil {
			f.add("infra/edge.yaml: no parameter %s", output)
		}
		if root, err := load(tree, "template.yaml"); err == nil && at(root, "Outputs", output) == nil {
			f.add("template.yaml: no output %s for the edge", output)
		}
	}
}

func leads(config any, behaviors []any, route string) string {
	for _, b := range behaviors {
		if glob(text(b, "PathPattern"), route) {
			return text(b, "TargetOriginId")
		}
	}
	return text(config, "DefaultCacheBehavior", "TargetOriginId")
}

// glob says whether a path fits a pattern of CloudFront: * is any text, ? is one character.
func glob(pattern, route string) bool {
	expression := regexp.QuoteMeta(pattern)
	expression = strings.ReplaceAll(strings.ReplaceAll(expression, `\*`, ".*"), `\?`, ".")
	return regexp.MustCompile("^" + expression + "$").MatchString(route)
}

// settings looks for what no template may set.
func settings(f *findings, tree fs.FS) {
	files, err := fs.Glob(tree, "infra/stacks/*.yaml")
	if err != nil {
		f.add("infra/stacks: %v", err)
	}
	for _, file := range append(files, "template.yaml", "infra/edge.yaml", "samconfig.toml") {
		content, err := fs.ReadFile(tree, file)
		if err != nil {
			f.add("%s: is not there", file)
			continue
		}
		for _, word := range []string{"PIXELTRACK_CLOCK_OFFSET", "AWS_SAM_LOCAL", "AWS_LAMBDA_INITIALIZATION_TYPE", "dynamodb:Scan"} {
			if strings.Contains(string(content), word) {
				f.add("%s: says %s", file, word)
			}
		}
	}
}
