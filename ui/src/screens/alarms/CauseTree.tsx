/** Why: the cause, what follows from it, the evidence, and the rule that concluded it. What is only inferred says so plainly. */
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { AlarmMark } from "@/alarms/AlarmMark";
import { useSpeaker } from "@/alarms/hooks";
import { alarmSentence, conditionName, evidenceText, kindName, splitSubject, subjectName } from "@/alarms/words";
import type { Alarm, AlarmDetail, AlarmMember } from "@/api/health";
import { Button, Code, Icon } from "@/design";
import { useFormats } from "@/i18n/format";
import { useNow, useWorld } from "@/state/hooks";

const FIRST = 6;

export function CauseTree({ alarm, detail }: { alarm: Alarm; detail: AlarmDetail | null }) {
  const { t } = useTranslation("alarms");
  const f = useFormats();
  const speaker = useSpeaker();
  const rule = typeof alarm.detail["rule"] === "string" ? alarm.detail["rule"] : "";
  const given = alarm.detail["candidates"];
  const candidates = Array.isArray(given) ? given.filter((one): one is string => typeof one === "string" && one !== alarm.kind) : [];
  // A symptom that came again is told once.
  const members = [...new Map((detail?.members ?? []).map((member) => [`${member.kind} ${member.subject}`, member])).values()];
  const named = new Set(members.map((member) => member.subject));
  const cameras = alarm.camera_ids.filter((id) => !named.has(`camera:${id}`) && alarm.subject !== `camera:${id}`);
  return (
    <div className="al-why">
      <p className={alarm.direct ? "al-how" : "al-how al-inferred"}>
        <Icon name={alarm.direct ? "eye" : "warning"} size={16} />
        <span>
          {t(alarm.direct ? "detail.direct" : "detail.inferred")}
          {alarm.confidence < 1 && ` · ${t("detail.confidence", { value: f.percent(alarm.confidence * 100) })}`}
          {rule && (
            <>
              {" · "}
              {t("detail.rule")}: {t(`rule.${rule}`, { defaultValue: "" }) || <Code>{rule}</Code>}
            </>
          )}
        </span>
      </p>
      {candidates.length > 0 && <p className="al-how">{t("detail.candidates", { kinds: f.list(candidates.map(kindName)) })}</p>}
      <ul className="al-tree">
        <li>
          <div className="al-node al-root">
            <AlarmMark alarm={alarm} size={16} />
            <span>{alarmSentence(alarm, speaker)}</span>
          </div>
          <ul>
            <More>
              {members.map((member) => (
                <Member key={`${member.id}:${member.subject}`} member={member} />
              ))}
              {(detail?.grouped ?? []).map((one) => (
                <li key={one.id}>
                  <Link className="al-node" to={`/alarms/${one.id}`}>
                    <AlarmMark alarm={one} size={15} />
                    <span>{alarmSentence(one, speaker)}</span>
                  </Link>
                </li>
              ))}
              {cameras.map((id) => (
                <CameraNode key={id} id={id} />
              ))}
            </More>
          </ul>
        </li>
      </ul>
      <Evidence alarm={alarm} text={(one) => evidenceText(one, speaker)} />
    </div>
  );
}

function Evidence({ alarm, text }: { alarm: Alarm; text: (one: Alarm["evidence"][number]) => string }) {
  const { t } = useTranslation("alarms");
  const f = useFormats();
  const now = useNow(10_000);
  const sorted = [...alarm.evidence].sort((a, b) => a.at_us - b.at_us);
  return (
    <>
      <h4>{t("detail.evidence")}</h4>
      {sorted.length === 0 ? (
        <p className="muted">{t("detail.no_evidence")}</p>
      ) : (
        <ul className="al-evidence">
          <More>
            {sorted.map((one, index) => (
              <li key={index}>
                <time className="number muted" title={f.stamp(one.at_us)}>
                  {now - one.at_us / 1000 < 86_400_000 ? f.clock(one.at_us / 1000) : f.when(one.at_us, now)}
                </time>
                <span dir="auto">{text(one)}</span>
              </li>
            ))}
          </More>
        </ul>
      )}
    </>
  );
}

function Member({ member }: { member: AlarmMember }) {
  const speaker = useSpeaker();
  const { noun, id } = splitSubject(member.subject);
  const name = subjectName(member.subject, speaker);
  const what = speaker.world.watched.alarm_kind.has(member.kind) ? kindName(member.kind) : conditionName(member.kind);
  const to = noun === "camera" ? `/camera/${id}` : noun === "site" || noun === "cabinet" ? `/site/${id}` : null;
  const inside = (
    <>
      <bdi>{name}</bdi>
      <span className="muted">{what}</span>
    </>
  );
  return (
    <li>
      {to ? (
        <Link className="al-node" to={to}>
          {inside}
        </Link>
      ) : (
        <div className="al-node">{inside}</div>
      )}
    </li>
  );
}

function CameraNode({ id }: { id: string }) {
  const { t } = useTranslation("common");
  const code = useWorld((w) => w.cameras.get(id)?.code ?? id);
  const state = useWorld((w) => w.statuses.get(id)?.main?.state ?? "unknown");
  return (
    <li>
      <Link className="al-node" to={`/camera/${id}`}>
        <Icon name="camera" size={15} />
        <Code>{code}</Code>
        <span className="muted">{t(`camera_state.${state}`)}</span>
      </Link>
    </li>
  );
}

/** The first few, and the rest when asked for. */
function More({ children }: { children: React.ReactNode }) {
  const { t } = useTranslation("alarms");
  const [all, setAll] = useState(false);
  const list = flat(children);
  const shown = all ? list : list.slice(0, FIRST);
  return (
    <>
      {shown}
      {list.length > shown.length && (
        <li>
          <Button small look="quiet" icon="down" onPress={() => setAll(true)}>
            {t("detail.all_members", { count: list.length - shown.length })}
          </Button>
        </li>
      )}
    </>
  );
}

function flat(children: React.ReactNode): React.ReactNode[] {
  return (Array.isArray(children) ? children : [children]).flat(2).filter(Boolean) as React.ReactNode[];
}
