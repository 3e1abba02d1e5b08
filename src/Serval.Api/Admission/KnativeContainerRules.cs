using System.Collections.Frozen;
using System.Text.Json.Nodes;
using Serval.Api.Config;
using Serval.Api.Core;

namespace Serval.Api.Admission;

/// <summary>Knative's rules of containers.</summary>
internal sealed class KnativeContainerRules
{
    private const string InitGate = "kubernetes.podspec-init-containers";

    private static readonly FrozenSet<string> s_fields = FrozenSet.ToFrozenSet(
    [
        "name", "args", "command", "env", "workingDir", "envFrom", "image", "imagePullPolicy", "livenessProbe", "ports", "readinessProbe",
        "resources", "securityContext", "startupProbe", "terminationMessagePath", "terminationMessagePolicy", "volumeMounts",
    ], StringComparer.Ordinal);

    private static readonly FrozenSet<string> s_variables = FrozenSet.ToFrozenSet(["PORT", "K_SERVICE", "K_CONFIGURATION", "K_REVISION"], StringComparer.Ordinal);

    // Ports Knative's sidecar listens on in every pod.
    private static readonly FrozenSet<long> s_ports = FrozenSet.ToFrozenSet([8012L, 8013L, 8022L, 9090L, 9091L, 8008L]);

    private readonly FeaturesConfig _features;
    private readonly bool _podComesLater;
    private readonly Dictionary<string, JsonObject> _volumes;
    private readonly Problems _to;

    private KnativeContainerRules(AdmissionContext ctx, Dictionary<string, JsonObject> volumes, Problems to)
    {
        _features = ctx.Config.Features;
        _podComesLater = ctx.PodComesLater;
        _volumes = volumes;
        _to = to;
    }

    private enum Role
    {
        Serving,
        Sidecar,
        Init,
    }

    public static void Check(JsonObject? spec, string path, Dictionary<string, JsonObject> volumes, AdmissionContext ctx, Problems to)
    {
        var rules = new KnativeContainerRules(ctx, volumes, to);
        rules.Init(spec, path);
        rules.Serving(spec, path);
    }

    private void Serving(JsonObject? spec, string path)
    {
        var containers = spec.Objects("containers").ToList();
        var ports = containers.SelectMany(c => c.Item.Objects("ports")).Select(p => p.Item).ToList();
        if (containers.Count == 0)
        {
            _to.Missing($"{path}.containers");
            return;
        }
        if (ports.Count == 0 && containers.Count > 1)
        {
            _to.Missing($"{path}.containers[*].ports");
        }
        if (ports.Count > 1)
        {
            _to.Say("more than one container port is set", $"{path}.containers[*].ports", "Only a single port is allowed across all containers");
        }
        if (containers.Count > 1 && _features.MultiContainer != FeatureFlag.Enabled)
        {
            _to.Say($"multi-container is off, but found {containers.Count} containers", $"{path}.containers", RevisionRules.Gate("multi-container"));
            return;
        }
        var portName = ports.Count > 0 && ports[^1].String("name") is { Length: > 0 } named ? named : "http";
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (i, container) in containers)
        {
            var at = $"{path}.containers[{i}]";
            UniqueName(container, at, names);
            var role = containers.Count > 1 && container.Array("ports") is null or { Count: 0 } ? Role.Sidecar : Role.Serving;
            Probes(container, at, role, portName);
            Container(container, at, role);
        }
    }

    private void Init(JsonObject? spec, string path)
    {
        var containers = spec.Objects("initContainers").ToList();
        if (containers.Count == 0)
        {
            return;
        }
        if (_features[InitGate] != FeatureFlag.Enabled)
        {
            _to.Say($"pod spec support for init-containers is off, but found {containers.Count} init containers", $"{path}.initContainers", RevisionRules.Gate(InitGate));
            return;
        }
        var names = spec.Objects("containers").Select(c => c.Item.String("name")).ToHashSet(StringComparer.Ordinal);
        foreach (var (i, container) in containers)
        {
            var at = $"{path}.initContainers[{i}]";
            UniqueName(container, at, names);
            foreach (var field in new[] { "livenessProbe", "readinessProbe", "startupProbe", "lifecycle" })
            {
                if (container.Has(field))
                {
                    _to.Say("field not allowed in an init container", $"{at}.{field}");
                }
            }
            Container(container, at, Role.Init);
        }
    }

    private void UniqueName(JsonObject container, string at, HashSet<string> names)
    {
        var name = container.String("name");
        if (name.Length > 0 && !names.Add(name))
        {
            _to.Say($"duplicate container name \"{name}\"", $"{at}.name");
        }
    }

    private void Probes(JsonObject container, string at, Role role, string portName)
    {
        foreach (var field in new[] { "livenessProbe", "readinessProbe", "startupProbe" })
        {
            if (container.Object(field) is not { } probe)
            {
                continue;
            }
            if (role == Role.Sidecar && _features.MultiContainerProbing != FeatureFlag.Enabled)
            {
                _to.Disallowed($"{at}.{field}", RevisionRules.Gate("multi-container-probing"));
                continue;
            }
            KnativeProbeRules.Check(probe, $"{at}.{field}", role == Role.Serving ? portName : null, readiness: field == "readinessProbe", _to);
        }
    }

    private void Container(JsonObject container, string at, Role role)
    {
        _to.OnlyFields(container, at, f => s_fields.Contains(f) || (role == Role.Init && f == "lifecycle"));
        var name = container.String("name");
        if (name == "queue-proxy")
        {
            _to.Say($"\"{name}\" is a reserved container name", $"{at}.name");
        }
        else if (!_podComesLater && name.Length > 0 && Names.Label(name) is { } wrong)
        {
            _to.Wrong(name, $"{at}.name", wrong);
        }
        Image(container.String("image"), $"{at}.image");
        Environment(container, at, role);
        Ports(container, at, role);
        Resources(container.Object("resources"), $"{at}.resources");
        SecurityContextRules.Container(container.Object("securityContext"), $"{at}.securityContext", _features, _to);
        _to.OneOf(container, "terminationMessagePolicy", at, "File", "FallbackToLogsOnError");
        _to.OneOf(container, "imagePullPolicy", at, "Always", "IfNotPresent", "Never");
        KnativeVolumeRules.Mounts(container, at, _volumes, _features, _to);
    }

    private void Image(string image, string at)
    {
        if (image.Length == 0)
        {
            _to.Missing(at);
        }
        else if (ImageReference.Check(image) is { } wrong)
        {
            _to.Say("Failed to parse image reference", at, $"image: \"{image}\", error: {wrong}");
        }
    }

    private void Environment(JsonObject container, string at, Role role)
    {
        foreach (var (i, variable) in container.Objects("env"))
        {
            var path = $"{at}.env[{i}]";
            _to.OnlyFields(variable, path, f => f is "name" or "value" or "valueFrom");
            var name = variable.String("name");
            if (name.Length == 0)
            {
                _to.Missing($"{path}.name");
            }
            else if (s_variables.Contains(name) && !(name == "PORT" && role != Role.Serving))
            {
                _to.Say($"\"{name}\" is a reserved environment variable", $"{path}.name");
            }
            else if (!_podComesLater && Names.EnvVarName(name) is { } wrong)
            {
                _to.Wrong(name, $"{path}.name", wrong);
            }
            ValueFrom(variable.Object("valueFrom"), $"{path}.valueFrom");
        }
        foreach (var (i, source) in container.Objects("envFrom"))
        {
            EnvFrom(source, $"{at}.envFrom[{i}]");
        }
    }

    private void ValueFrom(JsonObject? source, string path)
    {
        const string Gate = "kubernetes.podspec-fieldref";
        foreach (var (field, value) in source ?? [])
        {
            if (value is null || field is "configMapKeyRef" or "secretKeyRef")
            {
                continue;
            }
            if (field is not ("fieldRef" or "resourceFieldRef"))
            {
                _to.Disallowed($"{path}.{field}");
            }
            else if (!_features.Permits(Gate))
            {
                _to.Disallowed($"{path}.{field}", RevisionRules.Gate(Gate));
            }
        }
    }

    private void EnvFrom(JsonObject source, string path)
    {
        _to.OnlyFields(source, path, f => f is "prefix" or "configMapRef" or "secretRef");
        var map = source.Has("configMapRef");
        var secret = source.Has("secretRef");
        if (map && secret)
        {
            _to.ManyOf($"{path}.configMapRef", $"{path}.secretRef");
        }
        else if (!map && !secret)
        {
            _to.NoneOf($"{path}.configMapRef", $"{path}.secretRef");
        }
    }

    private void Ports(JsonObject container, string at, Role role)
    {
        foreach (var (i, port) in container.Objects("ports"))
        {
            var path = $"{at}.ports[{i}]";
            _to.OnlyFields(port, path, f => f is "containerPort" or "name" or "protocol");
            var number = port.Number("containerPort") ?? 0;
            if (s_ports.Contains(number))
            {
                _to.Wrong($"{number} is a reserved port", $"{path}.containerPort", $"{number} is a reserved port, please use a different value");
            }
            if (number is < 0 or > 65535)
            {
                _to.OutOfBounds(number.ToString(), "0", "65535", $"{path}.containerPort");
            }
            if (role == Role.Init)
            {
                continue;
            }
            _to.OneOf(port, "protocol", path, "TCP");
            if (port.String("name") is not ("" or "h2c" or "http1"))
            {
                _to.Say($"Port name {port.String("name")} is not allowed", $"{path}.name", "Name must be empty, or one of: 'h2c', 'http1'");
            }
        }
    }

    private void Resources(JsonObject? resources, string path)
    {
        _to.OnlyFields(resources, path, f => f is "limits" or "requests");
        if (_podComesLater)
        {
            return;
        }
        foreach (var list in new[] { "requests", "limits" })
        {
            foreach (var (name, value) in resources.Object(list) ?? [])
            {
                if (!Amounts.TryRead(value, out var amount) || amount.IsNegative)
                {
                    _to.Wrong(Amounts.Text(value), $"{path}.{list}.{name}", "must be a quantity of 0 or more such as 500m or 128Mi");
                }
                else if (list == "requests" && Amounts.TryRead(resources.Object("limits")?[name], out var limit) && amount > limit)
                {
                    _to.Wrong(Amounts.Text(value), $"{path}.{list}.{name}", $"must be less than or equal to {name} limit of {limit}");
                }
            }
        }
    }
}
