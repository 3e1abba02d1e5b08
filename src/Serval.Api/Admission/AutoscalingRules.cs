using System.Globalization;
using Serval.Api.Config;
using Serval.Api.Serving;

namespace Serval.Api.Admission;

/// <summary>Knative's rules of the autoscaling.knative.dev annotations.</summary>
internal sealed class AutoscalingRules
{
    private readonly Dictionary<string, string> _annotations;
    private readonly string _path;
    private readonly AutoscalerConfig _config;
    private readonly Problems _to;

    private AutoscalingRules(Dictionary<string, string> annotations, string path, AutoscalerConfig config, Problems to)
    {
        _annotations = annotations;
        _path = path;
        _config = config;
        _to = to;
    }

    public static void Check(Dictionary<string, string> annotations, string path, AutoscalerConfig config, Problems to)
    {
        var rules = new AutoscalingRules(annotations, path, config, to);
        rules.ClassAndMetric();
        rules.Scales();
        rules.Numbers();
        rules.Durations();
    }

    private void ClassAndMetric()
    {
        var given = Find(AutoscalingAnnotations.ClassKey, out var key, out var text) ? text : null;
        if (given is not null && given.EndsWith(KnativeNames.Domain, StringComparison.Ordinal)
            && given is not (AutoscalingAnnotations.Kpa or AutoscalingAnnotations.Hpa))
        {
            _to.Wrong(given, At(key));
        }
        if (Find(AutoscalingAnnotations.MetricKey, out key, out var metric))
        {
            var wrong = (given ?? _config.PodAutoscalerClass) switch
            {
                AutoscalingAnnotations.Kpa => metric is not (AutoscalingAnnotations.Concurrency or AutoscalingAnnotations.Rps),
                AutoscalingAnnotations.Hpa => metric.Length == 0,
                _ => false,
            };
            if (wrong)
            {
                _to.Wrong(metric, At(key));
            }
        }
        if (given == AutoscalingAnnotations.Kpa && Find(AutoscalingAnnotations.AlgorithmKey, out key, out var algorithm)
            && algorithm is not ("" or "linear" or "weighted-exponential" or "weightedExponential"))
        {
            _to.Wrong(algorithm, At(key));
        }
    }

    private void Scales()
    {
        var min = Scale(AutoscalingAnnotations.MinScaleKey);
        var max = Scale(AutoscalingAnnotations.MaxScaleKey);
        if (max != 0 && max < min)
        {
            _to.Say($"max-scale={max} is less than min-scale={min}", At(AutoscalingAnnotations.MaxScaleKey));
            _to.Say($"max-scale={max} is less than min-scale={min}", At(AutoscalingAnnotations.MinScaleKey));
        }
        if (_config.MaxScaleLimit != 0 && Find(AutoscalingAnnotations.MaxScaleKey, out var key, out _))
        {
            if (max > _config.MaxScaleLimit)
            {
                _to.OutOfBounds(max.ToString(), "1", _config.MaxScaleLimit.ToString(), At(key));
            }
            else if (max == 0)
            {
                _to.Say($"max-scale=0 (unlimited), must be less than {_config.MaxScaleLimit}", At(key));
            }
        }
        Activation(min, max);
        if (!Find(AutoscalingAnnotations.InitialScaleKey, out key, out var text))
        {
            return;
        }
        if (!Whole(text, out var initial))
        {
            _to.Wrong(text, At(key));
        }
        else if (initial < 0)
        {
            _to.Wrong(text, At(key + " must be greater than 0"));
        }
        else if (initial == 0 && !_config.AllowZeroInitialScale)
        {
            _to.Wrong(text, At(key + "=0 not allowed by cluster"));
        }
    }

    private void Activation(int min, int max)
    {
        if (!Find(AutoscalingAnnotations.ActivationScaleKey, out var key, out var text))
        {
            return;
        }
        if (!Whole(text, out var scale))
        {
            _to.Wrong(text, At(key));
        }
        else if (min > scale)
        {
            _to.Say($"min-scale={min} is greater than activation-scale={scale}", At(key));
        }
        else if (max < scale && max != 0)
        {
            _to.Say($"max-scale={max} is less than activation-scale={scale}", At(key));
        }
        else if (scale < 2)
        {
            _to.Say($"activation-scale={scale} must be greater than 1", At(key));
        }
    }

    private void Numbers()
    {
        Between(AutoscalingAnnotations.PanicWindowKey, 1, 100);
        Between(AutoscalingAnnotations.PanicThresholdKey, 110, 1000);
        Between(AutoscalingAnnotations.TargetUtilizationKey, 1, 100);
        if (Find(AutoscalingAnnotations.TargetKey, out var key, out var text))
        {
            if (!ConfigReader.TryNumber(text, out var target))
            {
                _to.Wrong(text, At(key));
            }
            else if (target < AutoscalerConfig.TargetMin)
            {
                _to.Say($"target {text} should be at least {AutoscalerConfig.TargetMin}", At(key));
            }
        }
        if (Find(AutoscalingAnnotations.TargetBurstCapacityKey, out key, out text)
            && (!ConfigReader.TryNumber(text, out var burst) || (burst < 0 && burst != -1)))
        {
            _to.Wrong(text, At(key));
        }
    }

    private void Durations()
    {
        Span(AutoscalingAnnotations.WindowKey, AutoscalerConfig.WindowMin, wholeSeconds: true);
        Span(AutoscalingAnnotations.RetentionKey, TimeSpan.Zero, wholeSeconds: false);
        Span(AutoscalingAnnotations.ScaleDownDelayKey, TimeSpan.Zero, wholeSeconds: true);
    }

    private void Span(string name, TimeSpan least, bool wholeSeconds)
    {
        if (!Find(name, out var key, out var text))
        {
            return;
        }
        if (!GoDuration.TryParseNanoseconds(text, out var nanoseconds))
        {
            _to.Wrong(text, At(key));
        }
        else if (nanoseconds < least.TotalNanoseconds || nanoseconds > AutoscalerConfig.WindowMax.TotalNanoseconds)
        {
            _to.OutOfBounds(text, GoDuration.Format(least), GoDuration.Format(AutoscalerConfig.WindowMax), At(key));
        }
        else if (wholeSeconds && nanoseconds % 1_000_000_000 != 0)
        {
            _to.Say("must be specified with at most second precision", At(key));
        }
    }

    private void Between(string name, double least, double most)
    {
        if (!Find(name, out var key, out var text))
        {
            return;
        }
        if (!ConfigReader.TryNumber(text, out var value))
        {
            _to.Wrong(text, At(key));
        }
        else if (value < least || value > most)
        {
            _to.OutOfBounds(text, least.ToString(CultureInfo.InvariantCulture), most.ToString(CultureInfo.InvariantCulture), At(key));
        }
    }

    private int Scale(string name)
    {
        if (!Find(name, out var key, out var text))
        {
            return 0;
        }
        var digits = text.AsSpan(text.StartsWith('-') || text.StartsWith('+') ? 1 : 0);
        if (digits.Length == 0 || digits.IndexOfAnyExceptInRange('0', '9') >= 0)
        {
            _to.Wrong(text, At(key));
        }
        else if (!Whole(text, out var scale) || scale < 0)
        {
            _to.OutOfBounds(text, "0", int.MaxValue.ToString(CultureInfo.InvariantCulture), At(key));
        }
        else
        {
            return scale;
        }
        return 0;
    }

    private static bool Whole(string text, out int value) => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);

    private bool Find(string name, out string key, out string value)
    {
        foreach (var spelling in AutoscalingAnnotations.Spellings[name])
        {
            if (_annotations.TryGetValue(spelling, out var found))
            {
                (key, value) = (spelling, found);
                return true;
            }
        }
        (key, value) = (name, "");
        return false;
    }

    private string At(string key) => $"{_path}.{key}";
}
