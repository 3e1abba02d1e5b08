using System.Diagnostics;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Serval.Kube.Http;

/// <summary>
/// The services of a bare Kestrel: no host, no configuration files, no middleware. Kestrel registers itself through
/// <see cref="IWebHostBuilder"/>, so this is the least that interface can be.
/// </summary>
public sealed class ServerServices : IWebHostBuilder
{
    private readonly ServiceCollection _services = [];

    private ServerServices(ILoggerFactory logging)
    {
        _services.AddSingleton(logging);
        _services.AddSingleton(typeof(ILogger<>), typeof(Logger<>));
        _services.AddOptions();
        _services.AddMetrics();
        _services.AddSingleton<DiagnosticSource>(new DiagnosticListener("Serval"));
    }

    public static ServiceProvider Build(ILoggerFactory logging)
    {
        var builder = new ServerServices(logging);
        builder.UseKestrelCore();
        return builder._services.BuildServiceProvider();
    }

    public IWebHostBuilder ConfigureServices(Action<IServiceCollection> configureServices)
    {
        configureServices(_services);
        return this;
    }

    public IWebHostBuilder ConfigureServices(Action<WebHostBuilderContext, IServiceCollection> configureServices)
    {
        configureServices(new WebHostBuilderContext(), _services);
        return this;
    }

    public IWebHostBuilder ConfigureAppConfiguration(Action<WebHostBuilderContext, IConfigurationBuilder> configureDelegate) => this;

    public string? GetSetting(string key) => null;

    public IWebHostBuilder UseSetting(string key, string? value) => this;

#pragma warning disable ASPDEPR008 // the interface still names the obsolete type
    public IWebHost Build() => throw new NotSupportedException("there is no host: take the server from the services");
#pragma warning restore ASPDEPR008
}
