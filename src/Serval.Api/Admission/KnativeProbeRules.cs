using System.Text.Json;
using System.Text.Json.Nodes;

namespace Serval.Api.Admission;

/// <summary>Knative's rules of probes.</summary>
internal static class KnativeProbeRules
{
    private static readonly string[] s_handlers = ["httpGet", "tcpSocket", "exec", "grpc"];

    /// <param name="probe">The probe.</param>
    /// <param name="path">Its path.</param>
    /// <param name="portName">Name of the serving port, which a probe by name must use; null for a sidecar, which must name its port.</param>
    /// <param name="readiness">Whether it is the readiness probe, whose numbers have a meaning of their own.</param>
    /// <param name="to">Takes the errors.</param>
    public static void Check(JsonObject probe, string path, string? portName, bool readiness, Problems to)
    {
        to.OnlyFields(probe, path, f => f is "initialDelaySeconds" or "timeoutSeconds" or "periodSeconds" or "successThreshold" or "failureThreshold"
            or "terminationGracePeriodSeconds" || s_handlers.Contains(f));
        var handlers = s_handlers.Where(probe.Has).ToArray();
        if (handlers.Length == 0)
        {
            to.NoneOf([.. s_handlers.Select(h => $"{path}.{h}")]);
        }
        else if (handlers.Length > 1)
        {
            to.ManyOf([.. handlers.Select(h => $"{path}.{h}")]);
        }
        Port(probe.Object("httpGet"), $"{path}.httpGet", portName, to);
        Port(probe.Object("tcpSocket"), $"{path}.tcpSocket", portName, to);
        to.OnlyFields(probe.Object("httpGet"), $"{path}.httpGet", f => f is "host" or "path" or "scheme" or "httpHeaders" or "port");
        to.OnlyFields(probe.Object("tcpSocket"), $"{path}.tcpSocket", f => f is "host" or "port");
        to.OnlyFields(probe.Object("exec"), $"{path}.exec", f => f == "command");
        to.OnlyFields(probe.Object("grpc"), $"{path}.grpc", f => f is "port" or "service");
        if (readiness)
        {
            Readiness(probe, path, to);
        }
    }

    private static void Port(JsonObject? action, string path, string? portName, Problems to)
    {
        if (action is null)
        {
            return;
        }
        var name = action.String("port");
        if (portName is null && name.Length == 0 && action.Number("port") is null or 0)
        {
            to.Wrong("0", $"{path}.port", "Probe port must be specified");
        }
        else if (portName is not null && name.Length > 0 && name != portName)
        {
            to.Wrong(name, $"{path}.port", "Probe port must match container port");
        }
        if (action["port"] is JsonValue value && value.GetValueKind() == JsonValueKind.Number && action.Number("port") is < 0 or > 65535)
        {
            to.OutOfBounds(value.ToJsonString(), "0", "65535", $"{path}.port");
        }
    }

    private static void Readiness(JsonObject probe, string path, Problems to)
    {
        var period = probe.Number("periodSeconds") ?? 0;
        var failures = probe.Number("failureThreshold") ?? 0;
        var timeout = probe.Number("timeoutSeconds") ?? 0;
        AtLeast(period, 0, $"{path}.periodSeconds", to);
        AtLeast(probe.Number("initialDelaySeconds") ?? 0, 0, $"{path}.initialDelaySeconds", to);
        AtLeast(probe.Number("successThreshold") ?? 0, 1, $"{path}.successThreshold", to);
        if (period != 0)
        {
            AtLeast(timeout, 1, $"{path}.timeoutSeconds", to);
            AtLeast(failures, 1, $"{path}.failureThreshold", to);
            return;
        }
        if (failures != 0)
        {
            to.Say("failureThreshold is disallowed when periodSeconds is zero", $"{path}.failureThreshold");
        }
        if (timeout != 0)
        {
            to.Say("timeoutSeconds is disallowed when periodSeconds is zero", $"{path}.timeoutSeconds");
        }
    }

    private static void AtLeast(long value, int least, string path, Problems to)
    {
        if (value < least || value > int.MaxValue)
        {
            to.OutOfBounds(value.ToString(), least.ToString(), int.MaxValue.ToString(), path);
        }
    }
}
