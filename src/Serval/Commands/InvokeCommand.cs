using System.CommandLine;
using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Serval.Api;
using Serval.Api.Config;
using Serval.Api.Serving;
using Serval.Cli;
using Serval.Remote;

namespace Serval.Commands;

/// <summary><c>serval invoke</c>: one HTTP request to a service through the gateway.</summary>
internal sealed class InvokeCommand : RemoteVerb
{
    private readonly Argument<string> _name = new("name") { Description = "The service", HelpName = "NAME" };
    private readonly Argument<string> _path = new("path") { Description = "Path and query", HelpName = "PATH", DefaultValueFactory = _ => "/" };
    private readonly Option<string?> _data = new("--data", "-d") { Description = "Body; @FILE reads a file, @- standard input", HelpName = "TEXT" };
    private readonly Option<string[]> _headers = new("--header", "-H") { Description = "Header; may be repeated", HelpName = "NAME: VALUE" };
    private readonly Option<string?> _method = new("--method", "-X") { Description = "Method (default: GET, or POST with --data)", HelpName = "METHOD" };
    private readonly Option<string?> _gateway = new("--gateway") { Description = "Connect here instead of to the running gateway", HelpName = "URL" };
    private readonly Option<int> _timeout = new("--timeout") { Description = "Seconds to wait for the answer", HelpName = "SECONDS", DefaultValueFactory = _ => 300 };
    private readonly Option<string?> _output = SharedOptions.Output("json", "yaml");

    public InvokeCommand(CliContext context)
        : base(
            context,
            "invoke",
            "Send a request to a service",
            "serval invoke hello",
            "serval invoke hello /orders?id=7 -H 'Accept: application/json'",
            "serval invoke hello /orders -d '{\"id\": 7}' -H 'Content-Type: application/json' -o json")
    {
        Add(_name);
        Add(_path);
        Add(_data);
        Add(_headers);
        Add(_method);
        Add(_gateway);
        Add(_timeout);
        Add(_output);
    }

    protected override async Task<int> RunAsync(ParseResult parse, RemoteClient client, CancellationToken ct)
    {
        var name = parse.GetRequiredValue(_name);
        var url = await UrlAsync(client, NamespaceOf(parse, client), name, ct);
        var refused = new List<string>();
        var gateway = await GatewayAsync(parse, client, url, refused, ct);
        url = new UriBuilder(url) { Scheme = (gateway ?? url).Scheme }.Uri;
        using var request = await CreateRequestAsync(parse, url, ct);
        using var authority = url.Scheme == Uri.UriSchemeHttps ? await AuthorityAsync(client, refused, ct) : null;
        using var http = GatewayCall.CreateClient(gateway, TimeSpan.FromSeconds(parse.GetValue(_timeout)), authority);
        var started = Context.Time.GetTimestamp();
        try
        {
            using var response = await Progress.RunAsync(
                Context, $"waiting for {name}", () => http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct), ct);
            return await WriteAsync(parse, response, Context.Time.GetElapsedTime(started), ct);
        }
        catch (HttpRequestException e)
        {
            var todo = refused.Count == 0
                ? "start it with `serval up`, or name it with --gateway"
                : $"name it with --gateway HOST:PORT, or ask for the rights that were missing to find it: {string.Join("; ", refused)}";
            throw new CliException(ExitCodes.NotReachable, $"no gateway answers for {url} ({e.InnerException?.Message ?? e.Message}); {todo}", e);
        }
        catch (TaskCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new CliException(ExitCodes.Timeout, $"{url} did not answer within {parse.GetValue(_timeout)} seconds; see `serval get revisions` and `serval logs {name}`");
        }
    }

    private static async Task<Uri> UrlAsync(RemoteClient client, string ns, string name, CancellationToken ct)
    {
        var service = await client.FindAsync(ResourcePath.Of(Kinds.KService, ns, name), ct)
            ?? throw new CliException(ExitCodes.NotFound, $"there is no service \"{name}\" in namespace {ns}; see `serval get ksvc -A`");
        if ((string?)service["status"]?["url"] is { Length: > 0 } url)
        {
            return new Uri(url);
        }
        var ready = (service["status"]?["conditions"] as JsonArray)?.FirstOrDefault(c => (string?)c?["type"] == "Ready");
        throw new CliException(
            ExitCodes.Failed, $"service \"{name}\" has no URL yet ({(string?)ready?["message"] ?? "it was not reconciled"}); wait for it with `serval apply --wait`, or see `serval get ksvc {name} -o yaml`");
    }

    /// <summary>The certificate of the built-in issuer's authority; null where there is none, or not for this user.</summary>
    private static async Task<X509Certificate2?> AuthorityAsync(RemoteClient client, List<string> refused, CancellationToken ct)
    {
        var secret = await SeeAsync(client, ResourcePath.Of(Kinds.Secret, "cert-manager", "knative-selfsigned-ca"), refused, ct);
        return (string?)secret?["data"]?["tls.crt"] is { } pem ? X509Certificate2.CreateFromPem(Encoding.ASCII.GetString(Convert.FromBase64String(pem))) : null;
    }

    private async Task<Uri?> GatewayAsync(ParseResult parse, RemoteClient client, Uri url, List<string> refused, CancellationToken ct)
    {
        if (parse.GetValue(_gateway) is not { Length: > 0 } given)
        {
            return await DoorAsync(client, url, refused, ct);
        }
        return Uri.TryCreate(given.Contains("://", StringComparison.Ordinal) ? given : "http://" + given, UriKind.Absolute, out var uri)
            ? uri
            : throw new CliException(ExitCodes.Usage, $"\"{given}\" is not a gateway address; write HOST:PORT");
    }

    /// <summary>Where a gateway takes such requests; null where nobody says so to this user: at the URL.</summary>
    private static async Task<Uri?> DoorAsync(RemoteClient client, Uri url, List<string> refused, CancellationToken ct)
    {
        var service = url.Host.EndsWith("." + DomainConfig.ClusterLocalDomain, StringComparison.Ordinal) ? "gateway-private" : "gateway";
        var endpoints = await SeeAsync(client, ResourcePath.Of(Kinds.Endpoints, KnativeNames.SystemNamespace, service), refused, ct);
        var subset = (endpoints?["subsets"] as JsonArray)?.FirstOrDefault();
        var port = (subset?["ports"] as JsonArray)?.FirstOrDefault(p => (string?)p?["name"] == (url.Scheme == Uri.UriSchemeHttps ? "https" : "http2"));
        return (string?)subset?["addresses"]?[0]?["ip"] is { } ip && (int?)port?["port"] is { } number ? new UriBuilder(url.Scheme, ip, number).Uri : null;
    }

    // Who has rights in his own namespace alone may still reach a gateway at its URL: what he may not see is told only when he does not.
    private static async Task<JsonObject?> SeeAsync(RemoteClient client, string path, List<string> refused, CancellationToken ct)
    {
        try
        {
            return await client.FindAsync(path, ct);
        }
        catch (ApiException e) when (e.Code == 403)
        {
            refused.Add(e.Message);
            return null;
        }
    }

    private async Task<HttpRequestMessage> CreateRequestAsync(ParseResult parse, Uri url, CancellationToken ct)
    {
        var data = parse.GetValue(_data);
        var method = parse.GetValue(_method)?.ToUpperInvariant() ?? (data is null ? "GET" : "POST");
        var path = parse.GetRequiredValue(_path);
        var request = new HttpRequestMessage(new HttpMethod(method), new Uri(url, path.StartsWith('/') ? path : "/" + path));
        if (data is not null)
        {
            request.Content = new ByteArrayContent(await BodyAsync(data, ct));
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("text/plain") { CharSet = "utf-8" };
        }
        foreach (var header in parse.GetValue(_headers) ?? [])
        {
            AddHeader(request, header);
        }
        return request;
    }

    private static void AddHeader(HttpRequestMessage request, string header)
    {
        var colon = header.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0)
        {
            throw new CliException(ExitCodes.Usage, $"\"{header}\" is not a header; write NAME: VALUE");
        }
        var (name, value) = (header[..colon].Trim(), header[(colon + 1)..].Trim());
        request.Content?.Headers.Remove(name);
        if (!request.Headers.TryAddWithoutValidation(name, value))
        {
            request.Content ??= new ByteArrayContent([]);
            request.Content.Headers.TryAddWithoutValidation(name, value);
        }
    }

    private async Task<byte[]> BodyAsync(string data, CancellationToken ct) => data switch
    {
        "@-" => System.Text.Encoding.UTF8.GetBytes(await Context.In.ReadToEndAsync(ct)),
        ['@', .. var file] => await File.ReadAllBytesAsync(file, ct),
        _ => System.Text.Encoding.UTF8.GetBytes(data),
    };

    private async Task<int> WriteAsync(ParseResult parse, HttpResponseMessage response, TimeSpan waited, CancellationToken ct)
    {
        var status = (int)response.StatusCode;
        if (parse.GetValue(_output) is { } format)
        {
            var body = await response.Content.ReadAsStringAsync(ct);
            var headers = new JsonObject(response.Headers.Concat(response.Content.Headers).Select(h => KeyValuePair.Create(h.Key, (JsonNode?)string.Join(", ", h.Value))));
            Printer.TryWrite(Context.Out, format, () => new JsonObject
            {
                ["status"] = status, ["headersMs"] = Math.Round(waited.TotalMilliseconds, 2), ["headers"] = headers, ["body"] = body,
            });
        }
        else
        {
            await response.Content.CopyToAsync(Context.RawOut, ct);
            await Context.RawOut.FlushAsync(ct);
        }
        if (status < 400)
        {
            return ExitCodes.Ok;
        }
        await Context.Error.WriteLineAsync($"{Context.Paint("error:", "31;1")} {response.RequestMessage?.RequestUri} answered {status} {response.ReasonPhrase}");
        return ExitCodes.Failed;
    }
}
