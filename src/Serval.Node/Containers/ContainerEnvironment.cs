using System.Globalization;
using System.Net;
using System.Text;
using Serval.Api.Core;
using Serval.Node.Services;

namespace Serval.Node.Containers;

/// <summary>The variables a pod gives a container: those of Services, PORT, envFrom, then env in order with references to what came before.</summary>
internal static class ContainerEnvironment
{
    public const string Port = "PORT";

    private static readonly Dictionary<string, string> s_empty = [];

    /// <param name="pod">The pod.</param>
    /// <param name="container">The container.</param>
    /// <param name="fields">The downward API.</param>
    /// <param name="references">ConfigMaps, Secrets and Services.</param>
    /// <param name="ports">Container port → instance port.</param>
    /// <param name="api">Where the API server is reached; null when nobody knows.</param>
    public static Dictionary<string, string> Build(
        Pod pod, Container container, PodFields fields, IReferences references, IReadOnlyDictionary<int, int> ports, DnsEndPoint? api = null)
    {
        var result = new Dictionary<string, string>(StringComparer.Ordinal);
        AddServices(result, pod, references, api);
        if (InstancePort(container, ports) is { } port)
        {
            result[Port] = Text(port);
        }
        foreach (var source in container.EnvFrom)
        {
            AddAll(result, source, references);
        }
        foreach (var variable in container.Env)
        {
            var value = variable.ValueFrom is { } from
                ? From(pod, container, from, fields, references)
                : Expansion.Expand(variable.Value ?? "", result);
            if (value is not null)
            {
                result[variable.Name] = variable.Name == Port ? Mapped(value, ports) : value;
            }
        }
        return result;
    }

    /// <summary>The instance port behind the container's serving port, or null when it declares none.</summary>
    public static int? InstancePort(Container container, IReadOnlyDictionary<int, int> ports)
    {
        foreach (var port in container.Ports)
        {
            if (ports.TryGetValue(port.Number, out var mapped))
            {
                return mapped;
            }
        }
        return null;
    }

    // kubelet_pods.go, getServiceEnvVarMap: of the Service kubernetes also who wants no others is told.
    private static void AddServices(Dictionary<string, string> result, Pod pod, IReferences references, DnsEndPoint? api)
    {
        if (pod.Spec.EnableServiceLinks != false)
        {
            foreach (var (name, service) in references.Services())
            {
                ServiceVariables.Add(result, name, service.ClusterIP, service.Ports);
            }
        }
        if (api is not null)
        {
            ServiceVariables.Add(result, "kubernetes", api.Host, [new ServicePort { Name = "https", Port = api.Port }]);
        }
    }

    private static string Mapped(string value, IReadOnlyDictionary<int, int> ports) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && ports.TryGetValue(number, out var mapped)
            ? Text(mapped)
            : value;

    private static string Text(int port) => port.ToString(CultureInfo.InvariantCulture);

    private static string? From(Pod pod, Container container, EnvVarSource source, PodFields fields, IReferences references)
    {
        if (source.FieldRef is { } field)
        {
            return fields.Value(field.FieldPath) ?? throw new ContainerConfigException($"unsupported fieldPath: {field.FieldPath}");
        }
        if (source.ResourceFieldRef is { } resource)
        {
            return ContainerResources.Value(pod, container, resource);
        }
        var ns = pod.Metadata.Namespace;
        if (source.ConfigMapKeyRef is { } configMapKey)
        {
            var data = Data(references.ConfigMap(configMapKey.Name), configMapKey.Name, configMapKey.Optional);
            return Key(data, configMapKey, "ConfigMap", ns);
        }
        if (source.SecretKeyRef is { } secretKey)
        {
            var data = Data(references.Secret(secretKey.Name), secretKey.Name, secretKey.Optional);
            return Key(data, secretKey, "Secret", ns) is { } value ? Decode(value) : null;
        }
        throw new ContainerConfigException($"env of container \"{container.Name}\": valueFrom names no source this node knows");
    }

    private static void AddAll(Dictionary<string, string> result, EnvFromSource source, IReferences references)
    {
        if (source.ConfigMapRef is { } configMap)
        {
            foreach (var (name, value) in Data(references.ConfigMap(configMap.Name), configMap.Name, configMap.Optional) ?? s_empty)
            {
                result[source.Prefix + name] = value;
            }
        }
        if (source.SecretRef is { } secret)
        {
            foreach (var (name, value) in Data(references.Secret(secret.Name), secret.Name, secret.Optional) ?? s_empty)
            {
                result[source.Prefix + name] = Decode(value);
            }
        }
    }

    private static IReadOnlyDictionary<string, string>? Data(ConfigMap? configMap, string name, bool? optional) =>
        configMap is null && optional != true ? throw ContainerConfigException.NotFound("configmap", name) : configMap?.Data;

    private static IReadOnlyDictionary<string, string>? Data(Secret? secret, string name, bool? optional) =>
        secret is null && optional != true ? throw ContainerConfigException.NotFound("secret", name) : secret?.Data;

    private static string? Key(IReadOnlyDictionary<string, string>? data, KeySelector selector, string kind, string ns)
    {
        if (data is not null && data.TryGetValue(selector.Key, out var value))
        {
            return value;
        }
        return selector.Optional == true
            ? null
            : throw new ContainerConfigException($"couldn't find key {selector.Key} in {kind} {ns}/{selector.Name}; add it there, or make the reference optional");
    }

    private static string Decode(string base64) => Encoding.UTF8.GetString(Convert.FromBase64String(base64));
}
