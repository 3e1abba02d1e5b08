namespace Serval.Images.Tests;

/// <summary>A directory for one test, removed with it.</summary>
internal sealed class Scratch : IDisposable
{
    public string Root { get; } = Directory.CreateTempSubdirectory("serval-images-").FullName;

    public string Data => Path.Combine(Root, "data");

    public ImageStore Store(ImageLimits? limits = null) => new(Data, limits: limits);

    public string this[string name] => Path.Combine(Root, name);

    /// <summary>A small program directory.</summary>
    public string App(string text = "#!/bin/sh\necho hello\n", string name = "app")
    {
        var app = Directory.CreateDirectory(this[name]).FullName;
        Directory.CreateDirectory(Path.Combine(app, "etc", "deep"));
        File.WriteAllText(Path.Combine(app, "run"), text);
        File.SetUnixFileMode(Path.Combine(app, "run"), (UnixFileMode)0x1ED);
        File.WriteAllText(Path.Combine(app, "etc", "deep", "settings.json"), "{}");
        if (!File.Exists(Path.Combine(app, "etc", "link")))
        {
            File.CreateSymbolicLink(Path.Combine(app, "etc", "link"), "deep/settings.json");
        }
        return app;
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
