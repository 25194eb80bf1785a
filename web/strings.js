// strings.js - every word the page shows, in both languages. Chinese is the first one.

import { recall, remember } from "./storage.js";

const zh = {
  title: "小贝",
  documentTitle: "小贝 · 健康咨询助手",
  standin: "演示模型",
  standinMore: "演示模型：仅用于演示，回答质量不代表正式模型，请勿用于真实就医。",
  newChat: "新对话",
  otherLanguage: "English",
  call120: "急救 120",
  noticeStrong: "小贝是 AI，不是医生。",
  notice: "回答仅供参考，不能代替医生诊断，也不开药。有生命危险时请立即拨打 120。",
  toolbar: "页面操作",
  conversation: "对话",
  turns: "对话记录",
  welcome: "您好，我是小贝",
  welcomeMore: "说说您哪里不舒服、多久了、有多严重。年龄、性别、是否怀孕、既往疾病和正在用的药也有帮助。",
  placeholder: "描述您的症状或问题…",
  inputLabel: "您的问题",
  characters: (count) => `已输入 ${count.toLocaleString("zh-CN")} 字`,
  send: "发送",
  stop: "停止",
  you: "您：",
  assistant: "小贝",
  answerOf: "小贝的回答（AI 生成）",
  generated: "AI 生成",
  copy: "复制",
  copied: "已复制",
  copyFailed: "复制不了，请手动选中文字",
  speed: (tps) => `${tps} 词元/秒`,
  firstToken: (seconds) => `首字 ${seconds} 秒`,
  stopped: "已停止",
  stoppedEmpty: "已停止，还没有回答。",
  cut: "达到长度上限，回答未完",
  retry: "重试",
  loading: "模型正在加载，马上就好…",
  draining: "服务正在停止或重启，请稍候…",
  stuck: "模型没有反应，请重启服务。",
  loadingRefused: "模型还在加载，没能回答。加载好后请重试。",
  drainingRefused: "服务正在停止或重启，没能回答。恢复后请重试。",
  offline: "连不上服务，请检查它是否在运行。",
  broken: "连接中断，回答可能不完整。",
  busy: "咨询的人较多，请稍后再试。",
  huge: "内容太大，服务器不接收。请缩短后再试。",
  other: (detail) => `没能得到回答。服务器的说明：${detail ?? "无"}`,
  keyNeeded: "这台服务器需要访问密钥：",
  keyRefused: "这台服务器需要访问密钥，请在下方输入。",
  keyWrong: "访问密钥不对，请核对后重新输入。",
  keyMalformed: "密钥只能由英文字母、数字和半角符号组成，请检查输入法后重新输入。",
  keySave: "确定",
  tooLong: (tokens, limit) => `这次对话${tokens ? `有 ${tokens} 个词元，` : ""}超过了模型一次能处理的长度${limit ? `（${limit}）` : ""}。`,
  tooLongAlone: (tokens, limit) => `这个问题${tokens ? `连同必要的说明有 ${tokens} 个词元，` : ""}超过了模型一次能处理的长度${limit ? `（${limit}）` : ""}。问题已放回输入框，请缩短后再发送。`,
  dropOldest: "略去最早的一轮再试",
  dropped: "（已略去，小贝回答时不再参考）",
  withdrawn: "（未能发送，已放回输入框）",
  answering: "小贝正在回答",
  done: "回答完毕",
  examples: ["发热、咳嗽三天，伴有胸痛", "孩子两岁，半夜发烧 39 度，精神还可以", "体检发现血压 150/95，需要去哪个科？", "空腹血糖 7.8 mmol/L 是什么意思？"],
};

const en = {
  title: "Xiaobei",
  documentTitle: "Xiaobei · health consultation",
  standin: "demo model",
  standinMore: "Demonstration model: it shows that the system works, not how well it answers. Do not use it for real care.",
  newChat: "New chat",
  otherLanguage: "中文",
  call120: "Call 120",
  noticeStrong: "Xiaobei is an AI, not a doctor.",
  notice: "Answers are for reference, no diagnosis, no prescription. If a life is in danger, call 120 (China) or your local emergency number now.",
  toolbar: "Page actions",
  conversation: "Conversation",
  turns: "Turns of the conversation",
  welcome: "Hello, I am Xiaobei",
  welcomeMore: "Tell me what is wrong, since when and how bad. Age, sex, pregnancy, known illnesses and medicines you take help too.",
  placeholder: "Symptoms or question…",
  inputLabel: "Your question",
  characters: (count) => `${count.toLocaleString("en")} characters`,
  send: "Send",
  stop: "Stop",
  you: "You:",
  assistant: "Xiaobei",
  answerOf: "Answer of Xiaobei (AI-generated)",
  generated: "AI-generated",
  copy: "Copy",
  copied: "Copied",
  copyFailed: "Cannot copy: please select the text",
  speed: (tps) => `${tps} tokens/s`,
  firstToken: (seconds) => `first token ${seconds} s`,
  stopped: "stopped",
  stoppedEmpty: "Stopped; there is no answer yet.",
  cut: "length limit reached, the answer is cut",
  retry: "Try again",
  loading: "The model is loading, one moment…",
  draining: "The service is stopping or restarting, one moment…",
  stuck: "The model does not respond: the service needs a restart.",
  loadingRefused: "The model is still loading and could not answer. Try again when it is ready.",
  drainingRefused: "The service is stopping or restarting and could not answer. Try again when it is back.",
  offline: "The service cannot be reached. Is it running?",
  broken: "The connection broke; the answer may be incomplete.",
  busy: "Many people are asking right now. Please try again shortly.",
  huge: "This is too large for the server. Please shorten it and try again.",
  other: (detail) => `There is no answer. The server says: ${detail ?? "nothing"}`,
  keyNeeded: "This server needs an access key:",
  keyRefused: "This server needs an access key; enter it below.",
  keyWrong: "The access key is wrong. Check it and enter it again.",
  keyMalformed: "A key has only English letters, figures and signs. Check the input method and enter it again.",
  keySave: "OK",
  tooLong: (tokens, limit) => `This conversation${tokens ? ` has ${tokens} tokens and` : ""} is longer than the model can take at once${limit ? ` (${limit})` : ""}.`,
  tooLongAlone: (tokens, limit) => `This question${tokens ? `, with what goes with it, has ${tokens} tokens and` : ""} is longer than the model can take at once${limit ? ` (${limit})` : ""}. It is back in the input: shorten it and send it again.`,
  dropOldest: "Leave out the oldest turn and try again",
  dropped: "(left out: Xiaobei no longer takes it into account)",
  withdrawn: "(not sent: it is back in the input)",
  answering: "Xiaobei is answering",
  done: "Answer complete",
  examples: ["Fever and cough for three days, with chest pain", "My two-year-old has a fever of 39 °C tonight but is alert", "Blood pressure 150/95 at a check-up: which department?", "What does a fasting glucose of 7.8 mmol/L mean?"],
};

const languages = { zh, en };
let current = "zh";

export function loadLanguage() {
  setLanguage(recall("language", true) === "en" ? "en" : "zh");
}

export function setLanguage(name) {
  current = name;
  remember("language", name, true);
  document.documentElement.lang = name === "zh" ? "zh-CN" : "en";
  document.title = t("documentTitle");
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = t(element.dataset.text);
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", t(element.dataset.label));
}

export function toggleLanguage() {
  setLanguage(current === "zh" ? "en" : "zh");
}

/** The text for a key; functions get the remaining arguments. A key that is not known (an older page kept it) is no text. */
export function t(key, ...rest) {
  const value = languages[current][key] ?? "";
  return typeof value === "function" ? value(...rest) : value;
}
