namespace Serval.Api.Config;

/// <summary>Where metrics go.</summary>
/// <param name="Protocol"><c>grpc</c>, <c>http/protobuf</c>, <c>prometheus</c> or <c>none</c>.</param>
/// <param name="Endpoint">Required by <c>grpc</c> and <c>http/protobuf</c>.</param>
/// <param name="ExportInterval">Zero is the exporter's default.</param>
public sealed record MetricsExport(string Protocol = "none", string Endpoint = "", TimeSpan ExportInterval = default);

/// <summary>config-observability.</summary>
public sealed record ObservabilityConfig
{
    public const string MapName = "config-observability";

    private const string TemplateKey = "logging.request-log-template";

    public static ObservabilityConfig Default { get; } = new();

    public bool EnableVarLogCollection { get; init; }

    /// <summary>logging.revision-url-template: <c>status.logUrl</c> of a Revision, with <c>${REVISION_UID}</c> replaced.</summary>
    public string RevisionUrlTemplate { get; init; } = "";

    /// <summary>Null when it was set to nothing.</summary>
    public RequestLogTemplate? RequestLogTemplate { get; init; } = RequestLogTemplate.Default;
    public bool EnableRequestLog { get; init; }
    public bool EnableProbeRequestLog { get; init; }
    public MetricsExport Metrics { get; init; } = new();
    public MetricsExport RequestMetrics { get; init; } = new();
    public bool RuntimeProfiling { get; init; }
    public TimeSpan RuntimeExportInterval { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary><c>grpc</c>, <c>http/protobuf</c>, <c>stdout</c> or <c>none</c>.</summary>
    public string TracingProtocol { get; init; } = "none";
    public string TracingEndpoint { get; init; } = "";

    /// <summary>0 to 1.</summary>
    public double TracingSamplingRate { get; init; }

    /// <summary><c>status.logUrl</c> of a revision, or empty.</summary>
    public string LogUrlFor(string revisionUid) => RevisionUrlTemplate.Replace("${REVISION_UID}", revisionUid, StringComparison.Ordinal);

    internal static ObservabilityConfig Read(ConfigReader r)
    {
        var profiling = r.Text("runtime-profiling", "disabled");
        r.Require(profiling is "enabled" or "disabled", "runtime-profiling", "must be enabled or disabled");
        var config = new ObservabilityConfig
        {
            EnableVarLogCollection = r.Bool("logging.enable-var-log-collection", false),
            RevisionUrlTemplate = r.Text("logging.revision-url-template", ""),
            RequestLogTemplate = Template(r),
            EnableRequestLog = r.Bool("logging.enable-request-log", false),
            EnableProbeRequestLog = r.Bool("logging.enable-probe-request-log", false),
            Metrics = Export(r, ""),
            RequestMetrics = Export(r, "request-"),
            RuntimeProfiling = profiling == "enabled",
            RuntimeExportInterval = r.Duration("runtime-export-interval", TimeSpan.FromSeconds(15)),
            TracingProtocol = r.Text("tracing-protocol", "none"),
            TracingEndpoint = r.Text("tracing-endpoint", ""),
            TracingSamplingRate = r.Number("tracing-sampling-rate", 0),
        };
        r.Require(config is not { EnableRequestLog: true, RequestLogTemplate: null }, "logging.enable-request-log", $"needs a {TemplateKey}");
        r.Require(config.RuntimeExportInterval >= TimeSpan.Zero, "runtime-export-interval", "must not be negative");
        r.Require(config.TracingSamplingRate is >= 0 and <= 1, "tracing-sampling-rate", "must be between 0 and 1");
        r.Require(config.TracingProtocol is "grpc" or "http/protobuf" or "stdout" or "none", "tracing-protocol", "must be grpc, http/protobuf, stdout or none");
        CheckEndpoint(r, "tracing-endpoint", config.TracingProtocol, config.TracingEndpoint);
        return config;
    }

    private static RequestLogTemplate? Template(ConfigReader r)
    {
        var text = r.Text(TemplateKey, RequestLogTemplate.DefaultText);
        if (text.Length == 0 || text == RequestLogTemplate.DefaultText)
        {
            return text.Length == 0 ? null : RequestLogTemplate.Default;
        }
        if (!RequestLogTemplate.TryParse(text, out var template, out var error))
        {
            r.Fail(TemplateKey, error);
        }
        return template;
    }

    private static MetricsExport Export(ConfigReader r, string prefix)
    {
        var export = new MetricsExport(
            r.Text(prefix + "metrics-protocol", "none"), r.Text(prefix + "metrics-endpoint", ""), r.Duration(prefix + "metrics-export-interval", TimeSpan.Zero));
        r.Require(export.Protocol is "grpc" or "http/protobuf" or "prometheus" or "none", prefix + "metrics-protocol",
            "must be grpc, http/protobuf, prometheus or none");
        r.Require(export.ExportInterval >= TimeSpan.Zero, prefix + "metrics-export-interval", "must not be negative");
        CheckEndpoint(r, prefix + "metrics-endpoint", export.Protocol, export.Endpoint);
        return export;
    }

    private static void CheckEndpoint(ConfigReader r, string key, string protocol, string endpoint)
    {
        if (protocol is "grpc" or "http/protobuf")
        {
            r.Require(endpoint.Length > 0, key, $"must be set when the protocol is {protocol}");
        }
        else if (protocol is "none" or "stdout")
        {
            r.Require(endpoint.Length == 0, key, $"must not be set when the protocol is {protocol}");
        }
    }
}
