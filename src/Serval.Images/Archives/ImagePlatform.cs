using System.Runtime.InteropServices;

namespace Serval.Images;

/// <summary>Which images this machine runs.</summary>
internal static class ImagePlatform
{
    public static string Architecture => RuntimeInformation.OSArchitecture switch
    {
        System.Runtime.InteropServices.Architecture.X64 => "amd64",
        System.Runtime.InteropServices.Architecture.X86 => "386",
        System.Runtime.InteropServices.Architecture.Arm64 => "arm64",
        System.Runtime.InteropServices.Architecture.Arm => "arm",
        var other => other.ToString().ToLowerInvariant(),
    };

    public static string OperatingSystemName => OperatingSystem.IsWindows() ? "windows" : OperatingSystem.IsMacOS() ? "darwin" : "linux";

    public static OciDescriptor? Pick(IEnumerable<OciDescriptor> candidates) =>
        candidates.FirstOrDefault(c => c.Platform is { } p && p.Architecture == Architecture && p.OperatingSystem == OperatingSystemName);

    public static ImageException None(string source, IEnumerable<OciDescriptor> candidates)
    {
        var offered = string.Join(", ", candidates.Select(c => $"{c.Platform?.OperatingSystem}/{c.Platform?.Architecture}"));
        return new ImageException(
            ImageError.Unsupported, $"{source} has no image for {OperatingSystemName}/{Architecture}, only for {offered}; save it for this platform");
    }

    public static void Require(OciImageConfig config, string source)
    {
        var fits = config.Architecture is "" || config.Architecture == Architecture;
        if (!fits || config.OperatingSystem is not "" && config.OperatingSystem != OperatingSystemName)
        {
            throw new ImageException(
                ImageError.Unsupported,
                $"{source} is for {config.OperatingSystem}/{config.Architecture}, this machine is {OperatingSystemName}/{Architecture}; save it for this platform");
        }
    }
}
